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

const columns = `
select id, report_class, user_id, status, binary_reference, parameters, created_at, started_at, ended_at
  from report_job
 where user_id = $1`

const order = `
 order by created_at desc, id
 limit `

// The limit is a parameter also where there is none. The planner takes it for a small
// part of the list, and so reads the index in its order in place of sorting.
const (
	// SelectNewest asks for a user's ($1) newest jobs, so many ($2).
	SelectNewest   = columns + order + `$2::bigint`
	selectNarrowed = columns + `
   and ($2::text[] is null or status = any ($2))
   and created_at >= coalesce($3::timestamptz, '-infinity')
   and created_at <= coalesce($4::timestamptz, 'infinity')
   and ($4 is null or created_at < $4 or id > $5::uuid)` + order + `$6::bigint`
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

// ask adds SetUser and the question for the jobs of filter to a batch, which is one
// round trip and one transaction.
//
// It goes past pgx to pgconn, because Batch, Rows and Scan of pgx took a fifth of the
// service's time for values that are bytes on both sides.
func (j *Jobs) ask(ctx context.Context, batch *pgconn.Batch, conn *pgx.Conn, filter report.Filter) error {
	user := []byte(filter.UserID)
	sql, values, formats := j.newest, [][]byte{user, count(filter.Count)}, []int16{textFormat, binaryFormat}
	if narrows(filter) {
		sql = j.narrowed
		values = [][]byte{user, statuses(filter.Statuses), timestamp(filter.Since), timestamp(filter.After.Created), filter.After.ID[:], count(filter.Count)}
		formats = []int16{textFormat, textFormat, binaryFormat, binaryFormat, binaryFormat, binaryFormat}
	}
	if err := j.add(ctx, batch, conn, SetUser, [][]byte{user}, nil, nil); err != nil {
		return err
	}
	return j.add(ctx, batch, conn, sql, values, formats, jobFormats)
}

// add adds a statement to a batch: prepared once for each connection, unless the
// connection string says that something between us and the server would lose it.
func (j *Jobs) add(ctx context.Context, batch *pgconn.Batch, conn *pgx.Conn, sql string, values [][]byte, formats, resultFormats []int16) error {
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
