// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
)

const (
	benchUsers = 2000
	benchJobs  = 20 // of each
)

// definer is the alternative to row-level security: a function with the owner's rights, as
// the only access of a reader. It is slower, because Postgres collects all rows of such a
// function before it returns the first.
const definer = `
create function jobs_of(whose text, how_many bigint)
    returns table (id uuid, report_class text, user_id text, status text, binary_reference text, parameters json,
                   created_at timestamptz, started_at timestamptz, ended_at timestamptz)
    language sql stable security definer set search_path = public, pg_temp
as $$
    select id, report_class, user_id, status, binary_reference, parameters, created_at, started_at, ended_at
      from report_job
     where user_id = whose
     order by created_at desc, id
     limit how_many
$$`

// BenchmarkRowSecurity measures one read of a user's jobs, without decoding: with the WHERE
// clause alone, with row-level security as well, and with a definer function instead of both.
//
//	go test ./internal/postgres -run '^$' -bench RowSecurity -count 6 | benchstat -col /access -
func BenchmarkRowSecurity(b *testing.B) {
	for _, users := range []int{1, 8} { // at a time
		for _, access := range []string{"where", "rls", "definer"} {
			b.Run("clients="+strconv.Itoa(users)+"/access="+access, func(b *testing.B) {
				db := benchDatabase(b, access)
				config, err := pgxpool.ParseConfig(db.Reader)
				if err != nil {
					b.Fatal(err)
				}
				config.MaxConns = int32(users)
				pool, err := pgxpool.NewWithConfig(b.Context(), config)
				if err != nil {
					b.Fatal(err)
				}
				defer pool.Close()
				b.SetParallelism(users)
				b.ResetTimer()
				if users == 1 {
					for n := 0; b.Loop(); n++ {
						readOnce(b, pool, access, n%benchUsers)
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for n := 0; pb.Next(); n += 7 {
						readOnce(b, pool, access, n%benchUsers)
					}
				})
			})
		}
	}
}

func benchDatabase(b *testing.B, access string) pgtest.Database {
	b.Helper()
	db := pgtest.New(b)
	db.Exec(b, `insert into report_job (report_class, user_id, status, parameters, created_at)
		select 'com.example.Report', 'user-' || n % $1::int, 'QUEUED',
		       '{"resourceType":"Parameters","parameter":[{"name":"anonymization","valueString":"None"}]}',
		       '2026-01-01 00:00:00+00'::timestamptz + n * interval '1 second'
		  from generate_series(1, $1::int * $2::int) n`, benchUsers, benchJobs)
	if access != "rls" {
		db.Exec(b, "alter table report_job disable row level security")
	}
	db.Exec(b, definer)
	db.Exec(b, "vacuum analyze report_job")
	return db
}

func readOnce(b *testing.B, pool *pgxpool.Pool, access string, n int) {
	b.Helper()
	user := "user-" + strconv.Itoa(n)
	var rows pgx.Rows
	var err error
	switch access {
	case "rls":
		conn, acquireErr := pool.Acquire(context.Background())
		if acquireErr != nil {
			b.Fatal(acquireErr)
		}
		defer conn.Release()
		batch := &pgx.Batch{}
		batch.Queue(postgres.SetUser, user)
		batch.Queue(postgres.SelectNewest, user, nil)
		results := conn.SendBatch(context.Background(), batch)
		defer func() { _ = results.Close() }()
		if _, err := results.Exec(); err != nil {
			b.Fatal(err)
		}
		rows, err = results.Query()
	case "where":
		rows, err = pool.Query(context.Background(), postgres.SelectNewest, user, nil)
	case "definer":
		rows, err = pool.Query(context.Background(), "select id, report_class, user_id, status, binary_reference, parameters, created_at, started_at, ended_at "+
			"from jobs_of($1, $2)", user, nil)
	}
	if err != nil {
		b.Fatal(err)
	}
	count := 0
	for rows.Next() {
		count++
	}
	if rows.Err() != nil || count != benchJobs {
		b.Fatalf("%d rows, %v", count, rows.Err())
	}
}
