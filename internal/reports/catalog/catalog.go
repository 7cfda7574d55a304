// SPDX-License-Identifier: Apache-2.0

// Package catalog defines what a report is: its names, inputs, modes, role and generator.
// Operations, their descriptions and their authorization follow from it, so a new report is one
// folder below internal/reports. It knows neither HTTP nor SQL. internal/httpapi/orders,
// internal/worker, internal/app and the packages of reports import it.
package catalog

import (
	"context"
	"slices"
	"time"

	"reporting/internal/fhir"
)

// Mode is a way to order a report.
type Mode string

// The modes, as in the names of operations.
const (
	Fetch    Mode = "fetch"    // while the client waits
	Execute  Mode = "execute"  // as soon as a worker is free
	Schedule Mode = "schedule" // at the next daily time
)

// Modes lists all modes.
func Modes() []Mode { return []Mode{Fetch, Execute, Schedule} }

// Report is the definition of a report.
type Report struct {
	Name       string // in operations, such as patient-usage-stats
	Class      string // of jobs
	ReportName string // in results, such as PatientsUsageReport
	Titles     map[Mode]string
	// Description is markdown for the OperationDefinition.
	Description string
	// Parameters are the inputs besides anonymization, which every report has.
	Parameters []fhir.OperationParameter
	Exclusive  [][2]string // pairs of parameters that exclude each other
	Modes      []Mode      // the allowed modes
	// Role is required for all three operations. If it is empty, the role is $fetch- and the
	// name.
	Role     string
	Generate Generator
}

// Generator generates a report. Its errors should be of type *report.Failure; the text of other
// errors is for the log only. It returns soon after ctx ends.
type Generator func(ctx context.Context, task Task, out Output) error

// Task is the input of a Generator.
type Task struct {
	Inputs     []fhir.Input // the inputs of Report.Parameters
	Anonymized bool
	Time       time.Time // of the generation
	// Progress reports progress in at most 100 characters. It is cheap to call.
	Progress func(string)
}

// Output receives the groups of a report, one after the other.
type Output interface {
	// Group adds the file of one group. id identifies the group among those of its type. value
	// is written as JSON, which is in memory as a whole.
	Group(groupType, id string, value any) error
}

// Allows reports whether the report can be ordered in a mode.
func (r *Report) Allows(m Mode) bool { return slices.Contains(r.Modes, m) }

// Guard returns the required role.
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

// ByClass returns the report with a class, or nil.
func ByClass(reports []Report, class string) *Report {
	for i := range reports {
		if reports[i].Class == class {
			return &reports[i]
		}
	}
	return nil
}
