// SPDX-License-Identifier: Apache-2.0

package live_test

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"

	"reporting/tools/observe/dashboard"
	"reporting/tools/observe/rules"
)

const (
	root      = "../../.."
	rulesPath = root + "/deploy/prometheus/rules.yaml"
	testsPath = root + "/deploy/prometheus/tests"
)

// findings collects problems.
type findings struct {
	text  strings.Builder
	table *tabwriter.Writer
	count int
}

func (f *findings) add(part, name, problem string) {
	if f.table == nil {
		f.table = tabwriter.NewWriter(&f.text, 0, 0, 2, ' ', 0)
	}
	f.count++
	_, _ = fmt.Fprintf(f.table, "%s\t%s\t%s\n", part, name, strings.ReplaceAll(problem, "\n", " "))
}

// TestDashboardAndAlerts runs for about a minute and prints its findings.
func TestDashboardAndAlerts(t *testing.T) {
	var f findings
	promtool := startPromtool(t) // runs in parallel, because it takes a while
	s := setUp(t)
	seen := s.run(t)
	exposed := s.exposed(t)

	good, panels := f.panels(t.Context(), s.recorder)
	f.evaluated(t.Context(), s.recorder)
	f.selected(t.Context(), s.recorder)
	names := f.names(t, exposed)
	f.runbook(t, s)
	tested, alerts := f.tests(t, promtool())

	var responses []string
	for _, status := range statuses() {
		responses = append(responses, fmt.Sprintf("%d: %d", status, seen.seen[status]))
		if seen.seen[status] == 0 {
			f.add("traffic", strconv.Itoa(status), "no response has this status")
		}
	}
	fmt.Printf("\nresponses by status: %s (0: no complete response)\n", strings.Join(responses, ", "))                  //nolint:forbidigo // the report
	fmt.Printf("alerts that became pending: %s\n", strings.Join(s.recorder.pending(t), ", "))                           //nolint:forbidigo // the report
	fmt.Printf("metrics in dashboard, rules and documents that exist: %d/%d\n", names.found, names.found+names.missing) //nolint:forbidigo // the report
	fmt.Printf("panels with data %d/%d, alerts tested %d/%d\n", good, panels, tested, alerts)                           //nolint:forbidigo // the report
	if f.count > 0 {
		_ = f.table.Flush()
		t.Errorf("%d problems:\n%s", f.count, &f.text)
	}
}

// startPromtool starts the tests of the rules, and returns a function that waits for their end.
func startPromtool(t *testing.T) (wait func() error) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testsPath, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests of rules: %v", err)
	}
	promtool, ended := tool(t, "promtool"), make(chan error, 1)
	go func() {
		for _, args := range [][]string{{"check", "rules", rulesPath}, append([]string{"test", "rules"}, files...)} {
			if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
				ended <- fmt.Errorf("promtool %s: %w\n%s", strings.Join(args[:2], " "), err, out)
				return
			}
		}
		ended <- nil
	}()
	return func() error { return <-ended }
}

// tests returns the number of alerts with sufficient tests, or 0 when a test failed, and the number
// of alerts.
func (f *findings) tests(t *testing.T, passed error) (tested, alerts int) {
	t.Helper()
	all, err := rules.Read(rulesPath)
	if err != nil {
		t.Fatal(err)
	}
	checks, err := rules.Checks(testsPath)
	if err != nil {
		t.Fatal(err)
	}
	names := rules.Alerts(all)
	if passed != nil {
		f.add("alert", "all", passed.Error())
		return 0, len(names)
	}
	untested := rules.Untested(names, checks)
	for _, name := range untested {
		f.add("alert", name, "needs a test in which it fires after a while, and one in which it does not fire")
	}
	return len(names) - len(untested), len(names)
}

// panels runs every query of every panel over the whole run. A query without a value other than zero
// is a problem, because it may select the wrong series.
func (f *findings) panels(ctx context.Context, p *prometheus) (good, all int) {
	for _, row := range dashboard.Rows() {
		for _, panel := range row.Panels {
			all++
			before := f.count
			for _, query := range panel.Queries {
				expr := dashboard.Substitute(query.Expr, "reporting", "10s")
				ask := p.whole
				if query.Now {
					ask = p.now
				}
				result, err := ask(ctx, expr)
				if problem := judge(result, err); problem != "" {
					f.add("panel", row.Title+": "+panel.Title, problem+": "+expr)
				}
			}
			if f.count == before {
				good++
			}
		}
	}
	return good, all
}

func judge(result []series, err error) string {
	if err != nil {
		return err.Error()
	}
	values, zeros := 0, 0
	for _, s := range result {
		for _, value := range s.numbers() {
			switch {
			case math.IsNaN(value):
			case value == 0:
				zeros++
			default:
				values++
			}
		}
	}
	switch {
	case values > 0:
		return ""
	case zeros > 0:
		return "only zeros"
	}
	return "no data"
}

// evaluated checks that Prometheus loaded and evaluated every rule.
func (f *findings) evaluated(ctx context.Context, p *prometheus) {
	var loaded struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	if err := p.ask(ctx, "/api/v1/rules", nil, &loaded); err != nil {
		f.add("rules", "all", err.Error())
		return
	}
	evaluated := 0
	for _, group := range loaded.Groups {
		for _, rule := range group.Rules {
			evaluated++
			if rule.Health != "ok" || rule.LastError != "" {
				f.add("rule", rule.Name, rule.Health+" "+rule.LastError)
			}
		}
	}
	if all, err := rules.Read(rulesPath); err != nil || len(all) != evaluated {
		f.add("rules", "all", fmt.Sprintf("%d of %d are loaded (%v)", evaluated, len(all), err))
	}
}

// selected runs each selector of each rule. It finds labels that are misspelled both in a rule and
// in its test.
func (f *findings) selected(ctx context.Context, p *prometheus) {
	all, err := rules.Read(rulesPath)
	if err != nil {
		f.add("rules", "all", err.Error())
	}
	for _, rule := range all {
		for _, selector := range selectors(rule.Expr) {
			result, err := p.whole(ctx, selector)
			if problem := judge(result, err); problem == "no data" || err != nil {
				f.add("rule", rule.Alert+rule.Record, problem+": "+selector)
			}
		}
	}
}

// pending returns the alerts that were pending or firing within the last 5 minutes.
func (p *prometheus) pending(t *testing.T) []string {
	t.Helper()
	var loaded struct{ Result []series }
	if err := p.ask(t.Context(), "/api/v1/query", url.Values{"query": {"count by (alertname) (last_over_time(ALERTS[5m]))"}}, &loaded); err != nil {
		t.Error(err)
	}
	names := make([]string, 0, len(loaded.Result))
	for _, s := range loaded.Result {
		names = append(names, s.Metric["alertname"])
	}
	slices.Sort(names)
	return names
}
