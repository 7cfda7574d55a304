// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"reporting/tools/faults/servers"
)

const limitReader = "alter role " + servers.Reader + " connection limit "

const cutSessions = "select pg_terminate_backend(pid) from pg_stat_activity where usename = '" + servers.Reader + "'"

// databaseConnections gives all connections that there are to others, and ends those that
// the service had.
func databaseConnections(sc *scene) error {
	small, err := servers.NewPostgres(sc.ctx, sc.programs, filepath.Join(sc.dir, sc.name), "max_connections=20", "superuser_reserved_connections=3")
	if err != nil {
		return err
	}
	sc.later(small.Stop)
	if err := sc.fill(sc.ctx, small); err != nil {
		return err
	}
	service, err := sc.ready(small.URL(servers.Reader, database, 0))
	if err != nil {
		return err
	}
	if err := sc.run(play{
		what: "the role's connection limit reached", addr: service.Addr,
		strike: func() error {
			return small.Exec(sc.ctx, database, limitReader+"0", cutSessions)
		},
		lasts:  3 * time.Second,
		mend:   func() error { return small.Exec(sc.ctx, database, limitReader+"-1") },
		expect: expectation{kinds: away, hurts: true, within: awayWithin},
	}); err != nil {
		return err
	}
	var others []*pgx.Conn
	leave := func() error {
		for _, conn := range others {
			_ = conn.Close(context.WithoutCancel(sc.ctx))
		}
		others = nil
		return nil
	}
	sc.later(leave)
	return sc.run(play{
		what: "all of max_connections taken by others", addr: service.Addr,
		strike: func() (err error) {
			others, err = takeAll(sc.ctx, small)
			return err
		},
		lasts: 3 * time.Second, mend: leave,
		expect: expectation{kinds: away, hurts: true, within: awayWithin},
	})
}

// takeAll takes all connections that there are, those of the service among them. That one
// is kept out meanwhile: it would be as quick to take what becomes free.
func takeAll(ctx context.Context, p *servers.Postgres) (others []*pgx.Conn, err error) {
	if err := p.Exec(ctx, database, limitReader+"0", cutSessions); err != nil {
		return nil, err
	}
	full := 0 // how often it was, one time after the other
	for end := time.Now().Add(wellWithin); time.Now().Before(end); {
		conn, err := pgx.Connect(ctx, p.URL(servers.Producer, database, 0))
		if err == nil {
			others, full = append(others, conn), 0
			continue
		}
		const often = 10 // sessions that end take a moment
		if full++; full == often {
			return others, p.Exec(ctx, database, limitReader+"-1")
		}
		time.Sleep(20 * time.Millisecond)
	}
	return others, fmt.Errorf("there are still more than %d connections to take", len(others))
}

// databaseDisk fills the disk on which the database lies, a small one of its own.
func databaseDisk(sc *scene) error {
	full, how, err := servers.NewPostgresOnSmallDisk(sc.ctx, sc.primary, filepath.Join(sc.dir, sc.name))
	if err != nil {
		return err
	}
	sc.later(full.Crash) // in order it would have to write
	service, err := sc.ready(full.URL(servers.Reader, database, 0))
	if err != nil {
		return err
	}
	writer, err := pgx.Connect(sc.ctx, full.URL(servers.Producer, database, 0))
	if err != nil {
		return fmt.Errorf("connect as a producer: %w", err)
	}
	sc.later(func() error { _ = writer.Close(context.WithoutCancel(sc.ctx)); return nil })
	var refused error
	if err := sc.run(play{
		what: "the database's disk full", addr: service.Addr,
		strike: func() error {
			refused, err = fillDisk(sc.ctx, writer)
			return err
		},
		lasts: 3 * time.Second,
		during: func() error {
			// Writers hear it also when they come with little.
			for range 20 {
				_, err := writer.Exec(sc.ctx, insertJobs("'somebody'", 200))
				if err == nil {
					return errors.New("a writer did not notice that the disk is full")
				}
			}
			return service.AwaitReady(sc.ctx)
		},
		mend: func() error { return full.MakeRoom() },
	}); err != nil {
		return err
	}
	sc.notef("%s, with the write-ahead log on another one. Who writes jobs hears %q until there is room, and then goes on", how, refused)
	if _, err := writer.Exec(sc.ctx, insertJobs("'somebody'", 200)); err != nil {
		sc.problemf("a writer cannot go on after there is room: %v", err)
	}
	return nil
}

// fillDisk inserts jobs until that fails, and returns what the writer heard.
func fillDisk(ctx context.Context, writer *pgx.Conn) (heard, err error) {
	for end := time.Now().Add(wellWithin); time.Now().Before(end); {
		if _, heard = writer.Exec(ctx, insertJobs("'somebody'", 2000)); heard != nil {
			return heard, nil
		}
	}
	return nil, errors.New("the disk does not get full")
}
