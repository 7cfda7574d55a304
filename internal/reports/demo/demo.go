// SPDX-License-Identifier: Apache-2.0

// Package demo holds reports that are there for trying clients: a page that polls needs
// jobs that take a while, and jobs that fail. Only "reporting dev" has them.
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

// usual and longest are how long the reports take, in seconds.
const (
	usual   = 20
	longest = 600
)

const inputSeconds = "seconds"

func seconds() []fhir.OperationParameter {
	return []fhir.OperationParameter{{
		Name: inputSeconds, Min: 0, Max: "1", Type: "integer",
		Documentation: fmt.Sprintf("How long it takes: %d seconds unless it is given, %d at most.", usual, longest),
	}}
}

// Slow takes its time, tells how far it is, and then succeeds.
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

// Failing takes its time and then fails, for good and with a reason. It cannot be
// fetched, so that there is one of which that is true.
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
		Role:        "$fetch-patient-usage-stats", // which whoever tries things has
	}
}

// wait waits as long as the task says, and returns how many seconds that was.
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
