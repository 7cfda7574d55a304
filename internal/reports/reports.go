// SPDX-License-Identifier: Apache-2.0

// Package reports lists the reports that this service makes. Each has a folder below this
// one; who adds one adds a folder and a line here.
//
// internal/app imports it.
package reports

import (
	"time"

	"reporting/internal/reports/catalog"
	"reporting/internal/reports/demo"
	"reporting/internal/reports/patientusage"
	"reporting/internal/source/episode"
)

// Needs are what reports are made from.
type Needs struct {
	Episodes episode.Source
	Zone     *time.Location // whose days and months count
	Demo     bool           // also those that are there for trying clients
}

// All lists the reports.
func All(n Needs) []catalog.Report {
	list := []catalog.Report{
		patientusage.Report(n.Episodes, n.Zone),
	}
	if n.Demo {
		list = append(list, demo.Slow(), demo.Failing())
	}
	return list
}
