// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"time"

	"reporting/internal/doctor"
)

const (
	oldestServer = 13
	// slowTrip is a round trip at which the database is not near: a call takes two.
	slowTrip = 20 * time.Millisecond
)

type serverFacts struct {
	name                string // of the version, as in 15.4
	major               int
	encoding            string
	standby             bool
	connections         int // that logins other than superusers' may have
	roleConnections     int // below zero: as many as the server
	statementTimeout    time.Duration
	clock, before, then time.Time
}

func (e *Examination) server(ctx context.Context) ([]doctor.Finding, error) {
	facts, err := e.serverFacts(ctx)
	if err != nil {
		return nil, err
	}
	found := []doctor.Finding{
		doctor.Good("PostgreSQL %s", facts.name), encodingFinding(facts.encoding), doctor.Clock("the database", facts.clock, facts.before, facts.then),
	}
	if facts.major < oldestServer {
		found[0] = doctor.Bad("upgrade it", "PostgreSQL %s is older than %d", facts.name, oldestServer)
	}
	standby, err := e.standby(ctx, facts)
	if err != nil {
		return found, err
	}
	trip, err := e.roundTrip(ctx)
	if err != nil {
		return found, err
	}
	return append(found, standby, trip, e.room(facts), e.timeout(facts)), nil
}

func (e *Examination) serverFacts(ctx context.Context) (f serverFacts, err error) {
	var number, timeout int
	f.before = e.Now()
	err = e.question(ctx, `
		select clock_timestamp(), current_setting('server_version_num')::int, current_setting('server_version'),
		       pg_encoding_to_char(d.encoding), pg_is_in_recovery(),
		       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int, r.rolconnlimit,
		       (select setting::int from pg_settings where name = 'statement_timeout')
		  from pg_database d, pg_roles r
		 where d.datname = current_database() and r.rolname = session_user`, nil,
		&f.clock, &number, &f.name, &f.encoding, &f.standby, &f.connections, &f.roleConnections, &timeout)
	f.then = e.Now()
	f.major, f.statementTimeout = number/10_000, time.Duration(timeout)*time.Millisecond
	return f, err
}

func encodingFinding(encoding string) doctor.Finding {
	switch encoding {
	case "UTF8":
		return doctor.Good("text is stored as UTF-8")
	case "SQL_ASCII":
		return doctor.Bad("make a database with encoding UTF8, and move the jobs there",
			"text is stored without an encoding (SQL_ASCII), so that what is read may be no text")
	}
	return doctor.Doubt("make a database with encoding UTF8, and move the jobs there", "text is stored as %s, which lacks characters", encoding)
}

// standby looks whether the server is what it is asked for: a primary, or a standby that
// keeps up.
func (e *Examination) standby(ctx context.Context, facts serverFacts) (doctor.Finding, error) {
	switch {
	case !e.Replica && facts.standby:
		return doctor.Doubt("name the primary, and this server in REPORTING_DATABASE_REPLICA_URL",
			"the server is a standby: lists may be old, and it cannot be migrated"), nil
	case !e.Replica:
		return doctor.Good("the server is a primary"), nil
	case !facts.standby:
		return doctor.Doubt("name a standby of the database, or nothing", "the replica is no standby: nothing tells how old its lists are"), nil
	}
	lag, receives, err := askLag(ctx, e.conn)
	switch {
	case err != nil:
		return doctor.Finding{}, err
	case !receives:
		return doctor.Doubt("see why it does not stream from its primary", "the standby does not hear from its primary, so that the primary is asked first"), nil
	case lag > maxLag:
		return doctor.Doubt("see why it does not keep up", "the standby is %v behind, so that the primary is asked first", lag.Round(time.Second)), nil
	}
	return doctor.Good("the server is a standby that keeps up"), nil
}

// roundTrip is the quickest of a few.
func (e *Examination) roundTrip(ctx context.Context) (doctor.Finding, error) {
	quickest := time.Duration(1<<63 - 1)
	for range 5 {
		begin := time.Now()
		if _, _, err := look(ctx, e.conn.PgConn(), ""); err != nil {
			return doctor.Finding{}, err
		}
		quickest = min(quickest, time.Since(begin))
	}
	if quickest > slowTrip {
		return doctor.Doubt("run the service near the database", "a round trip takes %v", quickest.Round(time.Millisecond)), nil
	}
	return doctor.Good("a round trip takes %v", quickest.Round(10*time.Microsecond)), nil
}

// room compares the connections that the service may open with those there are.
func (e *Examination) room(facts serverFacts) doctor.Finding {
	most, whose := facts.connections, "the server"
	if facts.roleConnections >= 0 && facts.roleConnections < most {
		most, whose = facts.roleConnections, "the login"
	}
	needs := int(e.config.MaxConns) + HealthConnections
	mend := "raise the limit, or set pool_max_conns in " + e.Setting + " (a pooler in between may make do with fewer)"
	switch {
	case needs > most:
		return doctor.Bad(mend, "an instance opens up to %d connections, and %s may have %d", needs, whose, most)
	case 2*needs > most:
		return doctor.Doubt(mend, "an instance opens up to %d connections, and %s may have %d: there is no room for a second one", needs, whose, most)
	}
	return doctor.Good("an instance opens up to %d connections, and %s may have %d", needs, whose, most)
}

func (e *Examination) timeout(facts serverFacts) doctor.Finding {
	if e.StatementTimeout == 0 {
		return doctor.Good("statement_timeout of the login is %v (0s: none)", facts.statementTimeout) // ours is not known
	}
	if facts.statementTimeout > 0 && facts.statementTimeout < e.StatementTimeout {
		return doctor.Doubt("raise the one of the role (alter role … set statement_timeout), or lower the other one",
			"statement_timeout of the login is %v, which ends statements before REPORTING_STATEMENT_TIMEOUT (%v) does", facts.statementTimeout, e.StatementTimeout)
	}
	return doctor.Good("nothing ends statements before REPORTING_STATEMENT_TIMEOUT (%v) does", e.StatementTimeout)
}
