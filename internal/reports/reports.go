// SPDX-License-Identifier: Apache-2.0

// Package reports lists the reports of the service. Each report has a folder below this one; a
// new report takes a folder and a line in All. internal/app imports it.
package reports

import (
	"time"

	"reporting/internal/reports/catalog"
	"reporting/internal/reports/demo"
	"reporting/internal/reports/patientusage"
	"reporting/internal/source/episode"
)

// Needs are the dependencies of the reports.
type Needs struct {
	Episodes episode.Source
	Zone     *time.Location // time zone of days and months
	Demo     bool           // with the reports for trying clients
}

// All returns all reports.
func All(n Needs) []catalog.Report {
	list := []catalog.Report{
		patientusage.Report(n.Episodes, n.Zone),
	}
	if n.Demo {
		list = append(list, demo.Slow(), demo.Failing())
	}
	return list
}
