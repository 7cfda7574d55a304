// SPDX-License-Identifier: Apache-2.0

// Package demo contains two reports for trying clients: one that takes a while and one that
// fails. Only "reporting dev" has them; internal/reports imports the package.
package demo

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"reporting/internal/fhir"
	domain "reporting/internal/report"
	"reporting/internal/reports/catalog"
)

// The duration of the reports, in seconds: default and maximum.
const (
	usual   = 20
	longest = 600
)

const inputSeconds = "seconds"

func seconds() []fhir.OperationParameter {
	return []fhir.OperationParameter{{
		Name: inputSeconds, Min: 0, Max: "1", Type: "integer",
		Documentation: fmt.Sprintf("Duration in seconds: by default %d, at most %d.", usual, longest),
	}}
}

// Slow takes some seconds, reports progress, and succeeds.
func Slow() catalog.Report {
	r := report("slow", "Slow", "slowly", "Takes as many seconds as it is told to.")
	r.Generate = func(ctx context.Context, task catalog.Task, out catalog.Output) error {
		waited, err := wait(ctx, task)
		if err != nil {
			return err
		}
		return out.Group("SlowSummary", "SlowSummary", map[string]int{"seconds": waited})
	}
	return r
}

// Failing takes some seconds and fails permanently, with a reason. $fetch is not allowed, so
// that clients can try that too.
func Failing() catalog.Report {
	r := report("failing", "Failing", "in vain", "Takes as many seconds as it is told to, and then fails.")
	r.Modes = []catalog.Mode{catalog.Execute, catalog.Schedule}
	r.Generate = func(ctx context.Context, task catalog.Task, _ catalog.Output) error {
		if _, err := wait(ctx, task); err != nil {
			return err
		}
		return &domain.Failure{Reason: "This report always fails: it is there for trying clients", Permanent: true}
	}
	return r
}

func report(name, word, how, does string) catalog.Report {
	return catalog.Report{
		Name: "demo-" + name, Class: "reporting.demo." + word + "Report", ReportName: word + "Report",
		Titles: map[catalog.Mode]string{
			catalog.Fetch: "Fetch " + how, catalog.Execute: "Execute " + how, catalog.Schedule: "Schedule " + how,
		},
		Description: does + " It is there for trying clients.",
		Parameters:  seconds(),
		Modes:       catalog.Modes(),
		Role:        "$fetch-patient-usage-stats", // a role of the demo users
	}
}

// wait waits for the time that the task asks for and returns its seconds.
func wait(ctx context.Context, task catalog.Task) (int, error) {
	total := usual
	for _, input := range task.Inputs {
		if n, err := strconv.Atoi(input.Value.Text); err == nil {
			total = min(max(0, n), longest)
		}
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for n := range total {
		task.Progress(fmt.Sprintf("%d of %d seconds are over", n, total))
		select {
		case <-ctx.Done():
			return n, ctx.Err()
		case <-ticker.C:
		}
	}
	return total, nil
}
