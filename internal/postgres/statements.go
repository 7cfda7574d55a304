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

// SetUser sets the user whose rows row-level security shows, until the end of the
// transaction. Its third argument, true, is what limits it to the transaction: otherwise
// the next user of the connection would see those rows. tools/bench sends it with pgbench.
const SetUser = `select set_config('reporting.user_id', $1, true)`

// setUserInOrder is SetUser with settings that make the planner read the index in order.
// Otherwise it would collect the whole rest of a list for each piece, and compile that
// plan, which is slow for users with many jobs. The settings end with the transaction.
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

// The limit is a parameter even when it is null. The planner then expects a small part of
// the list, and reads the index in order instead of sorting.
const (
	// SelectNewest reads the newest jobs of a user ($1), $2 at most.
	SelectNewest = columns + order + `$2::bigint`

	selectFiltered = columns + filters + order + `$2::bigint`

	// selectContinued continues a list after a cursor (keyset pagination). It has two parts,
	// jobs of the cursor's time and earlier ones, because each is one range of the index.
	selectContinued = selected + `(
(` + columns + filters + `
   and created_at = $5::timestamptz and id > $6::uuid` + order + `$2::bigint)
union all
(` + columns + filters + `
   and created_at < $5::timestamptz` + order + `$2::bigint)
) as continued` + order + `$2::bigint`
)

// The formats of values on the wire (PostgreSQL documentation, 55.1.3).
const (
	textFormat   int16 = 0
	binaryFormat int16 = 1
)

// narrows returns true when a filter selects other jobs than a user's newest.
func narrows(filter report.Filter) bool {
	return len(filter.Statuses) > 0 || !filter.Since.IsZero() || !filter.After.IsZero()
}

// valueFormats are the formats of the parameters, which all statements have in this order.
var valueFormats = []int16{textFormat, binaryFormat, textFormat, binaryFormat, binaryFormat, binaryFormat}

// queue adds SetUser and the query for the jobs of filter to a batch, which is one round
// trip and one transaction.
//
// It uses pgconn instead of pgx, whose Batch, Rows and Scan took a fifth of the service's
// processor time.
func (j *JobStore) queue(ctx context.Context, batch *pgconn.Batch, conn *pgx.Conn, filter report.Filter) error {
	user := []byte(filter.UserID)
	set, sql, values := SetUser, j.newest, [][]byte{user, count(filter.Count)}
	if narrows(filter) {
		set, sql = setUserInOrder, j.filtered
		values = append(values, statuses(filter.Statuses), timestamp(filter.Since))
	}
	if !filter.After.IsZero() {
		sql = j.continued
		values = append(values, timestamp(filter.After.Created), filter.After.ID[:])
	}
	if err := j.add(ctx, batch, conn, set, [][]byte{user}, nil, nil); err != nil {
		return err
	}
	return j.add(ctx, batch, conn, sql, values, valueFormats[:len(values)], jobFormats)
}

// add adds a statement to a batch. It prepares the statement once for each connection,
// unless the connection string turns that off because a pooler would lose it.
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

// statuses returns an array of text, or null for none. No status needs quotes.
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

// count returns a bigint, or null for zero.
func count(n int) []byte {
	if n == 0 {
		return nil
	}
	return binary.BigEndian.AppendUint64(nil, uint64(n)) //nolint:gosec // counts are above zero
}

// timestamp returns a timestamptz, or null for the zero time.
func timestamp(t time.Time) []byte {
	if t.IsZero() {
		return nil
	}
	return binary.BigEndian.AppendUint64(nil, uint64(t.UnixMicro()-epoch)) //nolint:gosec // the server reads two's complement
}
