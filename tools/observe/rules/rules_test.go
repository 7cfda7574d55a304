// SPDX-License-Identifier: Apache-2.0

package rules_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"reporting/tools/observe/rules"
)

const (
	folder  = "../../../deploy/prometheus/"
	runbook = "../../../docs/runbook.md"
)

func read(t *testing.T) []rules.Rule {
	t.Helper()
	all, err := rules.Read(folder + "rules.yaml")
	if err != nil || len(all) == 0 {
		t.Fatalf("%d rules: %v", len(all), err)
	}
	return all
}

// Each alert has a duration, a severity, a summary, a description with the value, and a runbook URL.
func TestAlertsAreComplete(t *testing.T) {
	t.Parallel()
	for _, r := range read(t) {
		if r.Alert == "" {
			if !strings.HasPrefix(r.Record, "job:reporting_") {
				t.Errorf("%q does not begin with job:reporting_", r.Record)
			}
			continue
		}
		if !regexp.MustCompile(`^Reporting[A-Za-z]+$`).MatchString(r.Alert) || r.For == "" {
			t.Errorf("%s: wrong name, or no \"for\" (%q)", r.Alert, r.For)
		}
		if severity := r.Labels["severity"]; severity != "critical" && severity != "warning" {
			t.Errorf("%s: severity %q", r.Alert, severity)
		}
		if got, want := r.Annotations["runbook_url"], "docs/runbook.md#"+strings.ToLower(r.Alert); got != want {
			t.Errorf("%s: runbook_url %q, want %q", r.Alert, got, want)
		}
		if !strings.HasSuffix(r.Annotations["summary"], ".") {
			t.Errorf("%s: summary %q", r.Alert, r.Annotations["summary"])
		}
		// absent() has no useful value.
		if !strings.Contains(r.Annotations["description"], "$value") && !strings.HasPrefix(r.Expr, "absent(") {
			t.Errorf("%s: the description has no value: %q", r.Alert, r.Annotations["description"])
		}
	}
}

func TestRunbookHasEachAlert(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(runbook)
	if err != nil {
		t.Fatal(err)
	}
	entries, alerts := rules.Entries(string(text)), rules.Alerts(read(t))
	for _, alert := range alerts {
		if !slices.Contains(entries, alert) {
			t.Errorf("docs/runbook.md has no entry \"## %s\"", alert)
		}
	}
	for _, entry := range entries {
		if !slices.Contains(alerts, entry) {
			t.Errorf("docs/runbook.md has an entry %s without an alert", entry)
		}
	}
	for _, entry := range strings.Split(string(text), "\n## ")[1:] {
		name, rest, _ := strings.Cut(entry, "\n")
		if strings.Contains(name, " ") {
			continue
		}
		for _, part := range []string{"**Means:**", "**Look at:**", "**Do:**"} {
			if !strings.Contains(rest, part) {
				t.Errorf("the entry %s has no %s", name, part)
			}
		}
	}
}

// promtool runs the tests ("make observe").
func TestEachAlertIsTested(t *testing.T) {
	t.Parallel()
	checks, err := rules.Checks(folder + "tests")
	if err != nil || len(checks) == 0 {
		t.Fatalf("%d checks: %v", len(checks), err)
	}
	alerts := rules.Alerts(read(t))
	for _, alert := range rules.Untested(alerts, checks) {
		t.Errorf("%s needs a test in which it fires after a while, and one in which it does not fire", alert)
	}
	for _, check := range checks {
		if !slices.Contains(alerts, check.Alert) {
			t.Errorf("%s tests %s, which does not exist", check.File, check.Alert)
		}
	}
}

func TestUntested(t *testing.T) {
	t.Parallel()
	checks := []rules.Check{
		{Alert: "whole"},
		{Alert: "whole", Fires: true},
		{Alert: "whole", Test: 1},
		{Alert: "at once", Fires: true},
		{Alert: "at once", Test: 1},
		{Alert: "always"},
		{Alert: "always", Fires: true},
		{Alert: "always"},
		{Alert: "never"},
		{Alert: "never", Test: 1},
	}
	got := rules.Untested([]string{"whole", "at once", "always", "never", "none"}, checks)
	if want := []string{"at once", "always", "never", "none"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
