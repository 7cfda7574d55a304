// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Sizes are the sizes of the table, in bytes.
type Sizes struct {
	Rows, Table, Total int64
	Indexes            []IndexSize // by name
}

// IndexSize is the size of an index.
type IndexSize struct {
	Name  string
	Bytes int64
}

// Sizes reads the sizes.
func (d *Database) Sizes(ctx context.Context) (s Sizes, err error) {
	const table = `select count(*), pg_table_size('report_job'), pg_total_relation_size('report_job') from report_job`
	if err := d.conn.QueryRow(ctx, table).Scan(&s.Rows, &s.Table, &s.Total); err != nil {
		return s, fmt.Errorf("look up sizes: %w", err)
	}
	rows, err := d.conn.Query(ctx, `
		select relname, pg_relation_size(oid) from pg_class
		 where oid in (select indexrelid from pg_index where indrelid = 'report_job'::regclass) order by relname`)
	if err != nil {
		return s, fmt.Errorf("look up sizes: %w", err)
	}
	if s.Indexes, err = pgx.CollectRows(rows, pgx.RowToStructByPos[IndexSize]); err != nil {
		return s, fmt.Errorf("look up sizes: %w", err)
	}
	return s, nil
}

// BufferMB returns shared_buffers in megabytes.
func (d *Database) BufferMB(ctx context.Context) (mb int, err error) {
	const ask = "select (pg_size_bytes(current_setting('shared_buffers')) >> 20)::int"
	if err := d.conn.QueryRow(ctx, ask).Scan(&mb); err != nil {
		return 0, fmt.Errorf("look up shared_buffers: %w", err)
	}
	return mb, nil
}

var planTime = regexp.MustCompile(`^(Planning|Execution) Time:`)

// Plan returns the generic plan of a query with $1 the user and $2 the number of jobs, without
// times.
func (d *Database) Plan(ctx context.Context, query, user string, jobs int) (plan string, err error) {
	tx, err := d.conn.Begin(ctx)
	if err != nil {
		return "", fmt.Errorf("explain: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	for _, statement := range []string{"set local plan_cache_mode = force_generic_plan", "prepare yardstick (text, bigint) as " + query} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return "", fmt.Errorf("explain: %w", err)
		}
	}
	defer func() { _, _ = d.conn.Exec(context.WithoutCancel(ctx), "deallocate yardstick") }()
	// Parameters of EXECUTE are part of the statement; the user is a number.
	explain := fmt.Sprintf("explain (analyze, buffers, costs off, timing off, summary off) execute yardstick ('%s', %d)", user, jobs)
	var lines []string
	for range 2 { // the first run fills the caches
		rows, err := tx.Query(ctx, explain)
		if err != nil {
			return "", fmt.Errorf("explain: %w", err)
		}
		if lines, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return "", fmt.Errorf("explain: %w", err)
		}
	}
	var b strings.Builder
	for _, line := range lines {
		if !planTime.MatchString(line) {
			b.WriteString(line + "\n")
		}
	}
	return b.String(), nil
}
