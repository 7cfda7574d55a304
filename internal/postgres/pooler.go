// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Pooling says what stands between a connection and its server, as far as it can be
// told from here.
type Pooling int

// The kinds of pooling. A pooler is a program such as PgBouncer.
const (
	// PoolingUnknown: nobody could look.
	PoolingUnknown Pooling = iota
	// Direct: no pooler that shows.
	Direct
	// SessionPooling: a pooler that gives each connection a server session of its own.
	SessionPooling
	// TransactionPooling: connections share sessions, and prepared statements are found
	// again nevertheless.
	TransactionPooling
	// LossyPooling: connections share sessions, and one that prepared a statement finds
	// itself in a session that does not have it.
	LossyPooling
)

// signs are what can be seen of a pooler on two connections that are open at the same
// time. None of them shows on a direct connection, nor behind a pooler in session mode,
// but for the first.
type poolingEvidence struct {
	between bool // the server is another one than the start of the connection said
	shared  bool // both were in the same session, or one of them in two
	crossed bool // one saw a statement that the other one prepared, under the name it gave it
}

func (s poolingEvidence) pooling() Pooling {
	switch {
	case s.crossed:
		return LossyPooling
	case s.shared:
		return TransactionPooling
	case s.between:
		return SessionPooling
	}
	return Direct
}

// way remembers what a connection's way to the server was found to be.
type poolingCheck struct {
	matters bool // whether anything is prepared that could be lost
	now     func() time.Time

	conn    *pgx.Conn // the one that was looked at
	pooling Pooling
	next    time.Time     // no look before, at any connection; zero: at the next new one
	pause   time.Duration // after a look that was in vain
}

const (
	probeTimeout = time.Second
	probePause   = 10 * time.Second
	patientProbe = 5 * time.Second
)

// loses tells whether a pooler is known to lose prepared statements between conn and
// its server, which says to be session pid. It looks when a connection is new, and as long
// as another answer would be a better one now and then.
func (w *poolingCheck) loses(ctx context.Context, conn *pgx.Conn, pid uint32) bool {
	if !w.matters {
		return false
	}
	if w.conn == conn && w.settled() || w.now().Before(w.next) {
		return w.pooling == LossyPooling
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var err error
	if w.pooling, err = probe(ctx, conn, pid); err != nil {
		w.pooling = PoolingUnknown // of which nobody complains
	}
	if err == nil {
		w.pause = probePause
	} else {
		// It takes connections each time, which may be what is missing: another one, and
		// this one where there was no time to look to the end.
		w.pause = min(max(probePause, 2*w.pause), connLifetime)
	}
	w.conn, w.next = conn, time.Time{}
	if !w.settled() {
		w.next = w.now().Add(w.pause)
	}
	return w.pooling == LossyPooling
}

// settled tells whether there is nothing more to find out about a connection.
func (w *poolingCheck) settled() bool {
	return w.pooling != PoolingUnknown && w.pooling != LossyPooling
}

// probeRounds is how often the two connections try to meet. A pooler that is not busy
// hands out the session that was used last, so that they meet at once; a busy one needs
// as many rounds as the root of the number of its sessions, about.
const probeRounds = 16

// probe looks for a pooler between conn and its server, which says to be session pid.
// Where one is, it opens another connection for a moment. With an error it returns what it
// is at least, if that is more than a pooler of some kind.
func probe(ctx context.Context, conn *pgx.Conn, pid uint32) (Pooling, error) {
	// A pooler makes up what it says at the start, since a connection has no server then.
	if pid == conn.PgConn().PID() {
		return Direct, nil
	}
	other, err := pgx.ConnectConfig(ctx, conn.Config())
	if err != nil {
		return PoolingUnknown, err
	}
	defer func() { _ = other.Close(context.WithoutCancel(ctx)) }()
	seen, err := meet(ctx, conn.PgConn(), other.PgConn(), pid)
	if err != nil && !seen.shared {
		return PoolingUnknown, err // the sign would perhaps have come
	}
	return seen.pooling(), err
}

// askPooling is probe for those whom nobody waits for.
func askPooling(ctx context.Context, conn *pgx.Conn) (Pooling, error) {
	ctx, cancel := context.WithTimeout(ctx, patientProbe)
	defer cancel()
	pid, _, err := look(ctx, conn.PgConn(), "")
	if err != nil {
		return PoolingUnknown, err
	}
	return probe(ctx, conn, pid)
}

// meet has one connection prepare statements, and the other one look for them. pid is the
// session in which the first one was last.
func meet(ctx context.Context, one, other *pgconn.PgConn, pid uint32) (seen poolingEvidence, err error) {
	seen.between = true
	prefix := "reporting_probe_" + rand.Text() + "_"
	var names []string
	defer func() {
		// As far as they are found again: what is left is small, and has no other's name.
		for _, name := range names {
			_ = one.Deallocate(ctx, name)
			if seen.crossed {
				_ = other.Deallocate(ctx, name)
			}
		}
	}()
	for round := range probeRounds {
		// They stay until the end, so that there are more and more sessions to meet in.
		names = append(names, prefix+strconv.Itoa(round))
		if _, err := one.Prepare(ctx, names[round], "select 1", nil); err != nil {
			return seen, fmt.Errorf("prepare: %w", err)
		}
		// Not always as many questions, or a pooler that takes its sessions in turn would
		// keep the two apart.
		for range round % 3 {
			now, _, err := look(ctx, one, prefix)
			if err != nil {
				return seen, err
			}
			seen.shared = seen.shared || now != pid
		}
		now, found, err := look(ctx, other, prefix)
		if err != nil {
			return seen, err
		}
		seen.shared = seen.shared || now == pid
		if found {
			seen.shared, seen.crossed = true, true
			return seen, nil
		}
	}
	return seen, nil
}

// look says in which session a connection is, and whether that has a prepared statement
// whose name begins so. It uses the simple protocol, for which nothing is prepared.
func look(ctx context.Context, conn *pgconn.PgConn, prefix string) (pid uint32, found bool, err error) {
	results, err := conn.Exec(ctx, "select pg_backend_pid(), '"+prefix+"' <> '' and exists "+
		"(select from pg_prepared_statements where starts_with(name, '"+prefix+"'))").ReadAll()
	if err != nil {
		return 0, false, fmt.Errorf("ask for the session: %w", err)
	}
	if len(results) != 1 || len(results[0].Rows) != 1 {
		return 0, false, errColumns
	}
	row := results[0].Rows[0]
	n, err := strconv.ParseUint(string(row[0]), 10, 32)
	return uint32(n), string(row[1]) == "t", err
}
