// SPDX-License-Identifier: Apache-2.0

package patientusage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"reporting/internal/report"
	"reporting/internal/reports/catalog"
	"reporting/internal/source/episode"
)

const description = `Counts patients with episodes of care, by month and by year, over all data there is.
A patient counts in a month when one of their episodes overlaps it that is not planned, cancelled or entered in error; and as active when, on seven or more days of that month, one of their episodes was active.
The result holds one group, PatientsUsageSummary. It holds numbers only, so that anonymization changes nothing in it.`

// group is the type and the id of the only group.
const group = "PatientsUsageSummary"

// Report returns the definition of patient-usage-stats on a source of episodes. zone is the time
// zone of days and months.
func Report(episodes episode.Source, zone *time.Location) catalog.Report {
	return catalog.Report{
		Name:       "patient-usage-stats",
		Class:      "com.systematic.ehealth.reporting.reports.PatientsUsageReport",
		ReportName: "PatientsUsageReport",
		Titles: map[catalog.Mode]string{
			catalog.Fetch:    "Fetch unique active citizens total",
			catalog.Execute:  "Execute unique active citizens total",
			catalog.Schedule: "Schedule patient usage statistics",
		},
		Description: description,
		Modes:       catalog.Modes(),
		Generate: func(ctx context.Context, task catalog.Task, out catalog.Output) error {
			watched := &observedSource{Source: episodes, progress: task.Progress}
			summary, err := Count(ctx, watched, Options{Zone: zone, Now: task.Time})
			if err != nil {
				return watched.failure(err)
			}
			return out.Group(group, group, struct {
				Summary Summary `json:"PatientsUsageSummary"`
			}{summary})
		},
	}
}

// watched is a source that reports progress and remembers its error.
type observedSource struct {
	episode.Source
	progress func(string)
	err      error // of the source
}

// Each implements episode.Source.
func (w *observedSource) Each(ctx context.Context, yield func(*episode.Episode) error) error {
	const often = 10_000
	read, refused := 0, false
	err := w.Source.Each(ctx, func(e *episode.Episode) error {
		if read++; read%often == 0 {
			w.progress(fmt.Sprintf("%d episodes read", read))
		}
		err := yield(e)
		refused = err != nil
		return err
	})
	if err != nil && !refused && ctx.Err() == nil {
		w.err = err
	}
	w.progress(fmt.Sprintf("%d episodes read; counting", read))
	return err
}

// failure returns the error for the user. Errors of sources are written for users.
func (w *observedSource) failure(err error) error {
	if w.err != nil && errors.Is(err, w.err) {
		return &report.Failure{Reason: "The episodes of care could not be read: " + w.err.Error()}
	}
	return err
}
