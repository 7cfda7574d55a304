// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func fixed(area, needs string, findings ...Finding) Check {
	return Check{Area: area, Needs: needs, Run: func(context.Context) []Finding { return findings }}
}

func TestRunPrintsFindings(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	report := Run(t.Context(), []Check{
		fixed("one", "", Pass("well"), Warn("look", "risk %d", 1)),
		fixed("two", "one", Fail("repair it", "broken\nlines \x1b[31m of %s", "a library")),
		fixed("three", "two", Pass("not printed")),
		fixed("four", "three", Pass("not printed")), // nothing is known of a check that was skipped
		fixed("five", "one", Pass("printed")),
	}, func(f Finding) { Print(&out, f) })
	report.PrintSummary(&out)
	const want = `ok       one         well
warning  one         risk 1
                     remedy: look
error    two         broken lines [31m of a library
                     remedy: repair it
skipped  three       not checked because of an error in "two"
skipped  four        not checked because of an error in "three"
ok       five        printed

errors: 1, warnings: 1, skipped: 2, ok: 2
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
	var asJSON bytes.Buffer
	if err := report.PrintJSON(&asJSON); err != nil {
		t.Fatal(err)
	}
	var read struct {
		Findings                  []map[string]string
		Errors, Warnings, Skipped int
	}
	if err := json.Unmarshal(asJSON.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	if read.Errors != 1 || read.Warnings != 1 || read.Skipped != 2 || len(read.Findings) != 6 || read.Findings[1]["remedy"] != "look" || read.Findings[3]["result"] != "skipped" {
		t.Errorf("%s", &asJSON)
	}
}

// The checks after one that hangs run, whether or not it heeds its context.
func TestRunEndsChecksThatHang(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	defer close(never)
	report := runWithin(t.Context(), 10*time.Millisecond, []Check{
		{Area: "ignores", Run: func(context.Context) []Finding { <-never; return nil }},
		{Area: "heeds", Run: func(ctx context.Context) []Finding {
			<-ctx.Done()
			return []Finding{Fail("wait", "reported in the end")}
		}},
		fixed("next", "", Pass("well")),
	}, func(Finding) {})
	var texts []string
	for _, f := range report.Findings {
		texts = append(texts, string(f.Result)+" "+f.Message)
	}
	if got := strings.Join(texts, "; "); got != "error the check did not end within 10ms; error reported in the end; ok well" {
		t.Error(got)
	}
}

func TestClockRatesSkew(t *testing.T) {
	t.Parallel()
	before := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	after := before.Add(2 * time.Second) // the remote clock was read in between
	for _, row := range []struct {
		remote time.Duration
		want   Result
		says   string
	}{
		{time.Second, OK, "agrees"},
		{6 * time.Second, OK, "agrees"},
		{-4 * time.Second, OK, "agrees"},
		{7 * time.Second, Warning, "6s ahead of"},
		{-5 * time.Second, Warning, "6s behind"},
		{61 * time.Second, Warning, "1m0s ahead of"},
		{62 * time.Second, Error, "1m1s ahead of"},
		{-time.Hour, Error, "behind"},
	} {
		f := Clock("x", before.Add(row.remote), before, after)
		if f.Result != row.want || !strings.Contains(f.Message, row.says) {
			t.Errorf("%v: %s %s", row.remote, f.Result, f.Message)
		}
	}
}
