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

func fixed(area, needs string, found ...Finding) Check {
	return Check{Area: area, Needs: needs, Run: func(context.Context) []Finding { return found }}
}

func TestRun(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	report := Run(t.Context(), []Check{
		fixed("one", "", Good("well"), Doubt("look", "so %d", 1)),
		fixed("two", "one", Bad("mend it", "broken\nlines \x1b[31m of %s", "others' text")),
		fixed("three", "two", Good("never said")),
		fixed("four", "three", Good("never said")), // of what was not run nobody knows that it is well
		fixed("five", "one", Good("said")),
	}, func(f Finding) { Print(&out, f) })
	report.Sum(&out)
	const want = `ok       one         well
warning  one         so 1
                     mend: look
wrong    two         broken lines [31m of others' text
                     mend: mend it
not run  three       because of what is wrong above (two)
not run  four        because of what is wrong above (three)
ok       five        said

1 thing is wrong, 1 warning, 2 not run, 2 ok
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
	var asJSON bytes.Buffer
	if err := report.JSON(&asJSON); err != nil {
		t.Fatal(err)
	}
	var read struct {
		Findings                []map[string]string
		Wrong, Warnings, NotRun int
	}
	if err := json.Unmarshal(asJSON.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	if read.Wrong != 1 || read.Warnings != 1 || read.NotRun != 2 || len(read.Findings) != 6 || read.Findings[1]["mend"] != "look" || read.Findings[3]["result"] != "not run" {
		t.Errorf("%s", &asJSON)
	}
}

// A check that hangs, whether or not it heeds its limit, keeps the others from nothing.
func TestRunEndsWhatHangs(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	defer close(never)
	report := runWithin(t.Context(), 10*time.Millisecond, []Check{
		{Area: "deaf", Run: func(context.Context) []Finding { <-never; return nil }},
		{Area: "heeds", Run: func(ctx context.Context) []Finding { <-ctx.Done(); return []Finding{Bad("wait", "told in the end")} }},
		fixed("next", "", Good("well")),
	}, func(Finding) {})
	var texts []string
	for _, f := range report.Findings {
		texts = append(texts, string(f.Result)+" "+f.Text)
	}
	if got := strings.Join(texts, "; "); got != "wrong the check did not end within 10ms; wrong told in the end; ok well" {
		t.Error(got)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	before := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	after := before.Add(2 * time.Second) // read somewhere in between
	for _, row := range []struct {
		there time.Duration
		want  Result
		says  string
	}{
		{time.Second, OK, "agrees"},
		{6 * time.Second, OK, "agrees"},
		{-4 * time.Second, OK, "agrees"},
		{7 * time.Second, Warning, "6s ahead of ours"},
		{-5 * time.Second, Warning, "6s behind ours"},
		{61 * time.Second, Warning, "1m0s ahead of ours"},
		{62 * time.Second, Wrong, "1m1s ahead of ours"},
		{-time.Hour, Wrong, "behind ours"},
	} {
		f := Clock("x", before.Add(row.there), before, after)
		if f.Result != row.want || !strings.Contains(f.Text, row.says) {
			t.Errorf("%v: %s %s", row.there, f.Result, f.Text)
		}
	}
}
