// SPDX-License-Identifier: Apache-2.0

// Package catalog says what a report is: its names, what it may be asked for with, how
// and by whom, and what makes it. What there is to call, to describe and to guard is made
// from this, so that adding a report is adding one folder below internal/reports.
//
// internal/rest, internal/work, internal/app and the packages of reports import it.
package catalog

import (
	"context"
	"slices"
	"time"

	"reporting/internal/fhir"
)

// Mode is a way of asking for a report.
type Mode string

// The modes, as they begin the names of operations.
const (
	Fetch    Mode = "fetch"    // now, in the answer
	Execute  Mode = "execute"  // as soon as a worker is free
	Schedule Mode = "schedule" // in the coming night
)

// Modes lists them all.
func Modes() []Mode { return []Mode{Fetch, Execute, Schedule} }

// Report describes a kind of report.
type Report struct {
	Name       string // in operations, as in patient-usage-stats
	Class      string // of jobs
	ReportName string // in results, as in PatientsUsageReport
	Titles     map[Mode]string
	// Description is markdown, for who asks for it.
	Description string
	// Parameters are its inputs beside anonymization, which every report has.
	Parameters []fhir.OperationParameter
	Exclusive  [][2]string // pairs of parameters of which one may be given
	Modes      []Mode      // the allowed ones
	// Role guards all three operations; empty: $fetch- and the name.
	Role     string
	Generate Generator
}

// Generator makes a report. Its errors should be of type *report.Failure; what others
// say is for the log alone. It ends soon after ctx does.
type Generator func(ctx context.Context, task Task, out Output) error

// Task is what a report is to be made of.
type Task struct {
	Inputs     []fhir.Input // those of Report.Parameters
	Anonymized bool
	Time       time.Time // when it is made
	// Progress tells, in at most 100 characters, how far it has come. It may be called
	// as often as one likes.
	Progress func(string)
}

// Output takes the groups of a report, one after the other.
type Output interface {
	// Group adds the file of one group: id names it among those of its type, and value is
	// written as JSON, for which it is in memory as a whole.
	Group(groupType, id string, value any) error
}

// Allows tells whether the report may be asked for in this mode.
func (r *Report) Allows(m Mode) bool { return slices.Contains(r.Modes, m) }

// Guard is the role that a caller needs.
func (r *Report) Guard() string {
	if r.Role != "" {
		return r.Role
	}
	return "$fetch-" + r.Name
}

// Inputs describes all inputs of the report.
func (r *Report) Inputs() []fhir.OperationParameter {
	return append([]fhir.OperationParameter{anonymization()}, r.Parameters...)
}

// ByClass finds the report that jobs of a class want, or nil.
func ByClass(reports []Report, class string) *Report {
	for i := range reports {
		if reports[i].Class == class {
			return &reports[i]
		}
	}
	return nil
}
