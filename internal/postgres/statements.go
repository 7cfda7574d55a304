// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"encoding/binary"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"reporting/internal/report"
)

// SetUser tells the policies of the table whose rows may be seen, until the end of
// the transaction: that of the batch it is sent with. With false in place of true it
// would stay with the connection, for whoever uses that next.
// It and SelectNewest are exported for tools/bench, which has pgbench send them.
const SetUser = `select set_config('reporting.user_id', $1, true)`

// setUserInOrder also keeps the planner from what it takes for cheaper where a user has
// few jobs, and what is ruinous where one has many: to collect all that is left of a
// list for each piece of it, and to compile such a plan. What remains is to read the
// index in its order. These settings end with the transaction too.
const setUserInOrder = `
select set_config('reporting.user_id', $1, true), set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true)`

const (
	selected = `
select id, report_class, user_id, status, binary_reference, parameters, created_at, started_at, ended_at, failure_reason
  from `
	columns = selected + `report_job
 where user_id = $1`
)

const order = `
 order by created_at desc, id
 limit `

const filters = `
   and ($3::text[] is null or status = any ($3))
   and created_at >= coalesce($4::timestamptz, '-infinity')`

// The limit is a parameter also where there is none. The planner takes it for a small
// part of the list, and so reads the index in its order in place of sorting.
const (
	// SelectNewest asks for a user's ($1) newest jobs, so many ($2).
	SelectNewest = columns + order + `$2::bigint`

	selectNarrowed = columns + filters + order + `$2::bigint`

	// selectFurther goes on behind a job. In two parts, because an index is entered at one
	// place, and the rest of the jobs that were made at the same time, which may be all, is
	// another place than those made before.
	selectFurther = selected + `(
(` + columns + filters + `
   and created_at = $5::timestamptz and id > $6::uuid` + order + `$2::bigint)
union all
(` + columns + filters + `
   and created_at < $5::timestamptz` + order + `$2::bigint)
) as further` + order + `$2::bigint`
)

// The formats of values on the wire (PostgreSQL documentation, 55.1.3).
const (
	textFormat   int16 = 0
	binaryFormat int16 = 1
)

// narrows tells whether a filter asks for other jobs than a user's newest.
func narrows(filter report.Filter) bool {
	return len(filter.Statuses) > 0 || !filter.Since.IsZero() || !filter.After.IsZero()
}

// valueFormats are those of the parameters, in the order of all questions.
var valueFormats = []int16{textFormat, binaryFormat, textFormat, binaryFormat, binaryFormat, binaryFormat}

// ask adds SetUser and the question for the jobs of filter to a batch, which is one
// round trip and one transaction.
//
// It goes past pgx to pgconn, because Batch, Rows and Scan of pgx took a fifth of the
// service's time for values that are bytes on both sides.
func (j *JobStore) ask(ctx context.Context, batch *pgconn.Batch, conn *pgx.Conn, filter report.Filter) error {
	user := []byte(filter.UserID)
	set, sql, values := SetUser, j.newest, [][]byte{user, count(filter.Count)}
	if narrows(filter) {
		set, sql = setUserInOrder, j.narrowed
		values = append(values, statuses(filter.Statuses), timestamp(filter.Since))
	}
	if !filter.After.IsZero() {
		sql = j.further
		values = append(values, timestamp(filter.After.Created), filter.After.ID[:])
	}
	if err := j.add(ctx, batch, conn, set, [][]byte{user}, nil, nil); err != nil {
		return err
	}
	return j.add(ctx, batch, conn, sql, values, valueFormats[:len(values)], jobFormats)
}

// add adds a statement to a batch: prepared once for each connection, unless the
// connection string says that something between us and the server would lose it.
func (j *JobStore) add(ctx context.Context, batch *pgconn.Batch, conn *pgx.Conn, sql string, values [][]byte, formats, resultFormats []int16) error {
	if !j.pool.prepares {
		batch.ExecParams(sql, values, nil, formats, resultFormats)
		return nil
	}
	prepared, err := conn.Prepare(ctx, sql, sql) // at most once
	if err != nil {
		return err
	}
	batch.ExecStatement(prepared, values, formats, resultFormats)
	return nil
}

// statuses is an array of text, or null for none. No name of a status needs quotes.
func statuses(list []report.Status) []byte {
	if len(list) == 0 {
		return nil
	}
	var names []string
	for _, status := range list {
		names = append(names, string(status))
	}
	return []byte("{" + strings.Join(names, ",") + "}")
}

// count is a bigint, or null for zero.
func count(n int) []byte {
	if n == 0 {
		return nil
	}
	return binary.BigEndian.AppendUint64(nil, uint64(n)) //nolint:gosec // counts are above zero
}

// timestamp is a timestamptz, or null for the zero time.
func timestamp(t time.Time) []byte {
	if t.IsZero() {
		return nil
	}
	return binary.BigEndian.AppendUint64(nil, uint64(t.UnixMicro()-epoch)) //nolint:gosec // two's complement is what is sent
}
