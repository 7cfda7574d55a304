// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// Standby makes a streaming standby of p below dir, and starts it.
func (p *Postgres) Standby(ctx context.Context, dir string) (*Postgres, error) {
	s := &Postgres{programs: p.programs, dir: dir, password: p.password, settings: p.settings}
	if err := s.makeDir(); err != nil {
		return nil, err
	}
	err := s.run("pg_basebackup", "-D", s.data(), "-h", "127.0.0.1", "-p", strconv.Itoa(p.Port), "-U", superuser,
		"--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync")
	if err != nil {
		return nil, err
	}
	return s, s.begin(ctx)
}

// Promote makes a standby a primary.
func (p *Postgres) Promote(ctx context.Context) error {
	return p.Exec(ctx, superuser, "select pg_promote(true, 30)")
}

// CaughtUp waits until a standby has what its primary has now.
func (p *Postgres) CaughtUp(ctx context.Context, primary *Postgres) error {
	var wanted string
	if err := primary.ask(ctx, &wanted, "select pg_current_wal_lsn()::text"); err != nil {
		return err
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var there bool
		if err := p.ask(ctx, &there, "select coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false)", wanted); err != nil {
			return err
		}
		if there {
			return nil
		}
	}
	return fmt.Errorf("the standby has not got as far as %s in %v", wanted, patience)
}

func (p *Postgres) ask(ctx context.Context, answer any, question string, values ...any) error {
	conn, err := pgx.Connect(ctx, p.SuperURL(superuser))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if err := conn.QueryRow(ctx, question, values...).Scan(answer); err != nil {
		return fmt.Errorf("%s: %w", question, err)
	}
	return nil
}
