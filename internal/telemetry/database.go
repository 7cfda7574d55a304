// SPDX-License-Identifier: Apache-2.0

package telemetry

import "time"

// databaseBuckets are in seconds. A near database answers in a tenth of a millisecond.
var databaseBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5}

// DatabaseError is why jobs could not be read.
type DatabaseError string

// The reasons.
const (
	DatabaseUnavailable DatabaseError = "unavailable" // no connection, or it broke
	DatabaseTimeout     DatabaseError = "timeout"     // no answer in time
	DatabaseInternal    DatabaseError = "internal"    // trying again does not help
)

// ObserveReading counts one reading of jobs: how long it waited for its turn, and how
// long its question took. One that never had its turn has no time of a question.
func (m *Metrics) ObserveReading(wait, query time.Duration, asked bool) {
	m.databaseWait.Observe(wait.Seconds())
	if asked {
		m.databaseQuery.Observe(query.Seconds())
	}
}

// ObserveDatabaseError counts a reading of jobs that failed.
func (m *Metrics) ObserveDatabaseError(reason DatabaseError) {
	m.databaseErrors.WithLabelValues(string(reason)).Inc()
}
