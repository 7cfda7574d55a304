// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// Pooler is PgBouncer in transaction mode.
type Pooler struct {
	Version  string // such as 1.18.0
	Port     int
	behind   *Postgres
	database string // one that is offered
	process  *process
}

// PoolerOptions say which PgBouncer, and before what.
type PoolerOptions struct {
	Dir string // for its configuration
	// Databases are offered under these names; each is the database of the given name there.
	// All servers have one password.
	Databases map[string]*Postgres
	Database  string
	// System is the folder of another Debian system whose PgBouncer is taken; empty: this one's.
	System string
	// Settings are lines of its configuration, besides what is needed.
	Settings []string
}

var poolerVersion = regexp.MustCompile(`PgBouncer (\d+\.\d+\.\d+)`)

// NewPooler starts one on a free port, with few server connections so that clients have
// to share them, and waits until it answers.
func NewPooler(ctx context.Context, o PoolerOptions) (p *Pooler, err error) {
	p = &Pooler{}
	for p.database, p.behind = range o.Databases { // whichever
	}
	if p.behind == nil {
		return nil, errors.New("a pooler before no database")
	}
	if p.Port, err = FreePort(); err != nil {
		return nil, err
	}
	line, err := poolerCommand(o.System)
	if err != nil {
		return nil, err
	}
	said, err := p.behind.programs.Command(line[0], append(line[1:], "--version")...).CombinedOutput()
	version := poolerVersion.FindSubmatch(said)
	if err != nil || version == nil {
		return nil, fmt.Errorf("ask pgbouncer for its version: %w: %s", err, said)
	}
	p.Version = string(version[1])
	config, err := p.configure(o)
	if err != nil {
		return nil, err
	}
	if p.process, err = begin("pgbouncer", p.behind.programs.Command(line[0], append(line[1:], config)...), syscall.SIGINT); err != nil {
		return nil, err
	}
	if err := p.await(ctx); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// poolerCommand is the beginning of its command line. A program of another system runs
// with that system's libraries, so that it needs neither root nor a container.
func poolerCommand(system string) ([]string, error) {
	if system == "" {
		program, err := find("pgbouncer", "pgbouncer")
		return []string{program}, err
	}
	system, err := filepath.Abs(system)
	if err != nil {
		return nil, fmt.Errorf("find the other system: %w", err)
	}
	loaders, _ := filepath.Glob(filepath.Join(system, "usr/lib*/ld-linux-*.so.*")) // only a bad pattern is an error
	libraries, _ := filepath.Glob(filepath.Join(system, "usr/lib/*-linux-gnu"))
	program := filepath.Join(system, "usr/sbin/pgbouncer")
	if _, err := os.Stat(program); err != nil || len(loaders) == 0 || len(libraries) == 0 {
		return nil, fmt.Errorf("%s holds no Debian system with a PgBouncer: "+
			"\"debootstrap --variant=minbase --include=pgbouncer trixie %s\" makes one", system, system)
	}
	return []string{loaders[0], "--library-path", strings.Join(libraries, ":"), program}, nil
}

// configure writes its files, and returns the name of the main one.
func (p *Pooler) configure(o PoolerOptions) (string, error) {
	var text, list strings.Builder
	text.WriteString("[databases]\n")
	for name, server := range o.Databases {
		fmt.Fprintf(&text, "%s = host=127.0.0.1 port=%d dbname=%s\n", name, server.Port, o.Database)
	}
	logins := filepath.Join(o.Dir, fmt.Sprintf("logins-%d.txt", p.Port))
	for _, login := range []string{superuser, Reader, Producer} {
		fmt.Fprintf(&list, "%q %q\n", login, p.behind.password)
	}
	fmt.Fprintf(&text, `[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = scram-sha-256
auth_file = %s
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
server_login_retry = 1
server_connect_timeout = 1
%s
`, p.Port, logins, strings.Join(o.Settings, "\n"))
	main := filepath.Join(o.Dir, fmt.Sprintf("pgbouncer-%d.ini", p.Port))
	for name, content := range map[string]string{logins: list.String(), main: text.String()} {
		if err := errors.Join(os.WriteFile(name, []byte(content), 0o600), p.behind.programs.Give(name)); err != nil {
			return "", fmt.Errorf("configure pgbouncer: %w", err)
		}
	}
	return main, nil
}

// URL is a connection string for the service, with options of pgx.
func (p *Pooler) URL(database, options string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(Reader, p.behind.password), Host: addr(p.Port), Path: "/" + database,
		RawQuery: strings.TrimSuffix("sslmode=disable&"+options, "&"),
	}
	return u.String()
}

func (p *Pooler) await(ctx context.Context) error {
	return p.process.await(ctx, func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, p.URL(p.database, "default_query_exec_mode=exec"))
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(ctx) }()
		_, err = conn.Exec(ctx, "select 1")
		return err
	})
}

// Stop ends it.
func (p *Pooler) Stop() error { return p.process.end(syscall.SIGINT) }

// PID is its process id.
func (p *Pooler) PID() int { return p.process.cmd.Process.Pid }
