// SPDX-License-Identifier: Apache-2.0

package demo_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"reporting/internal/fhir"
	"reporting/internal/report"
	"reporting/internal/reports/catalog"
	"reporting/internal/reports/demo"
)

// groups are what a report consists of.
type groups []string

func (g *groups) Group(groupType, id string, value any) error {
	*g = append(*g, fmt.Sprintf("%s/%s %v", groupType, id, value))
	return nil
}

// task is what a report is asked for with so many seconds.
func task(t *testing.T, seconds string, progress func(string)) catalog.Task {
	t.Helper()
	task := catalog.Task{Progress: progress}
	if seconds == "" {
		return task
	}
	inputs, issues := fhir.ReadParameters([]byte(`{"resourceType":"Parameters","parameter":[{"name":"seconds","valueInteger":`+seconds+`}]}`), fhir.JSON)
	if len(issues) > 0 {
		t.Fatal(issues)
	}
	task.Inputs = inputs
	return task
}

func TestDemosTakeTheirTime(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[string]int{"": 20, "0": 0, "3": 3, "-5": 0, "599": 599, "600": 600, "601": 600, "2147483647": 600} {
		for _, r := range []catalog.Report{demo.Slow(), demo.Failing()} {
			synctest.Test(t, func(t *testing.T) {
				begin, told, last := time.Now(), 0, ""
				var made groups
				err := r.Generate(t.Context(), task(t, seconds, func(text string) { told++; last = text }), &made)
				if took := time.Since(begin); took != time.Duration(want)*time.Second {
					t.Errorf("%s of %q seconds takes %s", r.Name, seconds, took)
				}
				if told != want || want > 0 && last != fmt.Sprintf("%d of %d seconds are over", want-1, want) {
					t.Errorf("told %d times, at last %q", told, last)
				}
				if r.Name == demo.Slow().Name {
					if err != nil || len(made) != 1 || made[0] != fmt.Sprintf("SlowSummary/SlowSummary map[seconds:%d]", want) {
						t.Errorf("%v, %v", made, err)
					}
					return
				}
				if failure, ok := errors.AsType[*report.Failure](err); !ok || !failure.Permanent || failure.Reason == "" || len(made) > 0 {
					t.Errorf("%v, %v", made, err)
				}
			})
		}
	}
}

func TestDemosEndWhenTheyAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, r := range []catalog.Report{demo.Slow(), demo.Failing()} {
			begin := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
			defer cancel()
			err := r.Generate(ctx, task(t, "60", func(string) {}), &groups{})
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 1500*time.Millisecond {
				t.Errorf("%s: %v after %s", r.Name, err, time.Since(begin))
			}
		}
	})
}

func TestWhatDemosAre(t *testing.T) {
	t.Parallel()
	slow, failing := demo.Slow(), demo.Failing()
	for _, m := range catalog.Modes() {
		if !slow.Allows(m) || failing.Allows(m) != (m != catalog.Fetch) {
			t.Errorf("%s: %v, %v", m, slow.Allows(m), failing.Allows(m))
		}
	}
	if slow.Guard() != failing.Guard() || slow.Class == failing.Class || slow.Name == failing.Name {
		t.Errorf("%s %s", slow.Guard(), failing.Guard())
	}
}
