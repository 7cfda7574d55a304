// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"reporting/internal/devpg"
)

// Logins of every server: the superuser, those of the service, of who writes jobs, and
// of who makes reports.
const (
	superuser = "postgres"
	Reader    = "reporting_serve"
	Producer  = "reporting_write"
	Worker    = "reporting_make"
)

// Postgres is a server that listens on loopback. All its logins have one password, which
// nobody else knows.
type Postgres struct {
	Port     int
	programs devpg.Programs
	dir      string // holds the folder data
	password string
	settings []string
	wrap     func(command []string) []string // nil: run as it is
	asRoot   bool                            // wrap begins as root, and sees to the account
	process  *process
}

// NewPostgres makes a cluster below dir, which is made too, and starts it.
func NewPostgres(ctx context.Context, programs devpg.Programs, dir string, settings ...string) (*Postgres, error) {
	p := &Postgres{programs: programs, dir: dir, password: rand.Text(), settings: settings}
	if err := p.makeDir(); err != nil {
		return nil, err
	}
	secret := filepath.Join(dir, "password")
	if err := errors.Join(os.WriteFile(secret, []byte(p.password), 0o600), programs.Give(secret)); err != nil {
		return nil, fmt.Errorf("make a cluster: %w", err)
	}
	if err := p.run("initdb", "-D", p.data(), "-U", superuser, "-A", "scram-sha-256", "--pwfile", secret, "-E", "UTF8", "--locale=C", "--no-sync"); err != nil {
		return nil, err
	}
	return p, p.begin(ctx)
}

func (p *Postgres) makeDir() (err error) {
	if p.Port, err = FreePort(); err != nil {
		return err
	}
	if err := errors.Join(os.MkdirAll(p.dir, 0o700), p.programs.Give(p.dir)); err != nil {
		return fmt.Errorf("make a cluster: %w", err)
	}
	return nil
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

// run runs a program to its end.
func (p *Postgres) run(name string, args ...string) error {
	cmd := p.programs.Command(name, args...)
	cmd.Env = append(cmd.Env, "PGPASSWORD="+p.password)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, said)
	}
	return nil
}

// begin starts it, and stops it again where it does not get ready.
func (p *Postgres) begin(ctx context.Context) error {
	err := p.Start()
	if err == nil {
		err = p.Await(ctx)
	}
	if err != nil {
		return errors.Join(err, p.Crash())
	}
	return nil
}

// Start starts a server that was stopped, on the port that it had. It does not wait.
func (p *Postgres) Start() (err error) {
	args := []string{"-D", p.data()}
	for _, setting := range append([]string{
		"port=" + strconv.Itoa(p.Port), "listen_addresses=127.0.0.1", "unix_socket_directories=", "logging_collector=off",
		// Nobody reads these clusters after the machine has lost its power.
		"fsync=off", "shared_buffers=64MB", "max_wal_senders=5", "wal_keep_size=64MB",
	}, p.settings...) {
		args = append(args, "-c", setting)
	}
	cmd := p.programs.Command("postgres", args...)
	if p.wrap != nil {
		cmd.Args = p.wrap(cmd.Args)
		if cmd.Path, err = exec.LookPath(cmd.Args[0]); err != nil {
			return fmt.Errorf("start postgres: %w", err)
		}
		if p.asRoot {
			cmd.SysProcAttr.Credential = nil
		}
	}
	p.process, err = begin("postgres", cmd, syscall.SIGINT)
	return err
}

// Await waits until it answers.
func (p *Postgres) Await(ctx context.Context) error {
	return p.process.await(ctx, func(ctx context.Context) error { return p.Exec(ctx, superuser, "select 1") })
}

// URL is a connection string for a login and a database, by way of another port where
// port is not 0.
func (p *Postgres) URL(login, database string, port int) string {
	if port == 0 {
		port = p.Port
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(login, p.password), Host: addr(port), Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// Password is that of all logins.
func (p *Postgres) Password() string { return p.password }

// SuperURL is the connection string of the superuser.
func (p *Postgres) SuperURL(database string) string { return p.URL(superuser, database, 0) }

// Exec runs statements, one by one, as the superuser in a database.
func (p *Postgres) Exec(ctx context.Context, database string, statements ...string) error {
	conn, err := pgx.Connect(ctx, p.SuperURL(database))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			first, _, _ := strings.Cut(strings.TrimSpace(statement), "\n")
			return fmt.Errorf("%s: %w", first, err)
		}
	}
	return nil
}

// Crash stops it at once and without a checkpoint, as "pg_ctl stop -m immediate" does.
func (p *Postgres) Crash() error {
	if p == nil {
		return nil
	}
	return p.process.end(syscall.SIGQUIT)
}

// Stop stops it in order; connections are closed.
func (p *Postgres) Stop() error {
	if p == nil {
		return nil
	}
	return p.process.end(syscall.SIGINT)
}

// PID is its process id.
func (p *Postgres) PID() int { return p.process.cmd.Process.Pid }
