// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"net"
	"strings"
	"time"

	"reporting/internal/doctor"
)

// WithoutUserFilter returns a store whose queries lack "user_id = $1", as a mistake in a
// later change might make them.
func WithoutUserFilter(jobs *JobStore) *JobStore {
	faulty := NewJobStore(jobs.pool, jobs.timeout)
	for _, sql := range []*string{&faulty.newest, &faulty.filtered, &faulty.continued} {
		correct := *sql
		if *sql = strings.ReplaceAll(correct, "user_id = $1", "$1::text is not null"); *sql == correct {
			panic("the query has no user filter")
		}
	}
	return faulty
}

// Encryption is the finding of the doctor about a connection.
func Encryption(conn net.Conn) doctor.Finding { return (&Examination{}).encryption(conn) }

// SetTimeout sets the timeout of a check.
func (h *Health) SetTimeout(timeout time.Duration) { h.timeout = timeout }

// SetInterval sets how often the replica is checked, and its health with it.
func (r *Replicated) SetInterval(interval time.Duration) {
	r.interval, r.health.ttl = interval, interval
}
