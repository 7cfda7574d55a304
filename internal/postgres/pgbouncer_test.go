// SPDX-License-Identifier: Apache-2.0

//go:build pgbouncer

package postgres_test

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
)

// These tests need PgBouncer, so they have a build tag.

// pgbouncer starts PgBouncer in front of db, and returns the connection string through it.
// Its sessions log in as role.
func pgbouncer(t *testing.T, db, role string, settings ...string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Fatalf("%v: install it (Debian, Ubuntu: apt-get install pgbouncer; macOS: brew install pgbouncer)", err)
	}
	direct, err := url.Parse(db)
	if err != nil {
		t.Fatal(err)
	}
	dir, name := pgtest.Dir(t), strings.TrimPrefix(direct.Path, "/")
	const port = 6432 // part of the socket's name
	config := filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf("[databases]\n%s = host=%s port=%s user=%s\n[pgbouncer]\nlisten_addr =\nlisten_port = %d\nunix_socket_dir = %s\n"+
		"auth_type = any\ndefault_pool_size = 4\n%s\n", name, direct.Query().Get("host"), direct.Query().Get("port"), role, port, dir, strings.Join(settings, "\n"))
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	command := exec.Command(program, config)
	command.Stdout, command.Stderr = &log, &log
	command.SysProcAttr = &syscall.SysProcAttr{Credential: postgresUser(t)}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	through := fmt.Sprintf("postgres://any@/%s?host=%s&port=%d&sslmode=disable", name, url.QueryEscape(dir), port)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err = os.Stat(filepath.Join(dir, ".s.PGSQL."+strconv.Itoa(port))); err == nil {
			return through
		}
		if time.Now().After(deadline) {
			t.Fatalf("PgBouncer does not listen: %v", err)
		}
	}
}

// postgresUser returns the user of Postgres, if this process is root. Only that user may use
// the socket, and PgBouncer does not run as root.
func postgresUser(t *testing.T) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ := strconv.ParseUint(u.Uid, 10, 32)
			gid, _ := strconv.ParseUint(u.Gid, 10, 32)
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	t.Fatal("no user postgres or nobody")
	return nil
}

// tracks returns true if this PgBouncer can keep prepared statements: 1.21 or later.
func tracks(t *testing.T) bool {
	t.Helper()
	output, err := exec.Command("pgbouncer", "--version").Output()
	version := regexp.MustCompile(`PgBouncer (\d+)\.(\d+)`).FindSubmatch(output)
	if err != nil || version == nil {
		t.Fatalf("which version is %q? %v", output, err)
	}
	major, _ := strconv.Atoi(string(version[1]))
	minor, _ := strconv.Atoi(string(version[2]))
	t.Logf("%s", version[0])
	return major > 1 || minor >= 21
}

type pgbouncerRow struct {
	settings []string
	options  string
	lossy    bool
}

func TestPgBouncer(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	role := uniqueRole()
	db.Exec(t, "create role "+role+" login in role reporting_reader")
	for i := range 30 {
		db.Load(t, job("a", noon.Add(time.Duration(i)*time.Second)))
	}
	db.Load(t, job("b", noon))
	const roundRobin = "server_round_robin = 1"
	rows := map[string]pgbouncerRow{
		"sessions":                            {[]string{"pool_mode = session", "default_pool_size = 30"}, "", false},
		"transactions, exec":                  {[]string{"pool_mode = transaction"}, "&default_query_exec_mode=exec", false},
		"transactions, cache_describe":        {[]string{"pool_mode = transaction"}, "&default_query_exec_mode=cache_describe", false},
		"transactions, prepared":              {[]string{"pool_mode = transaction"}, "", true},
		"transactions, prepared, round robin": {[]string{"pool_mode = transaction", roundRobin}, "", true},
		"statements, prepared":                {[]string{"pool_mode = statement"}, "", true},
		"transactions, round robin, exec":     {[]string{"pool_mode = transaction", roundRobin}, "&default_query_exec_mode=exec", false},
	}
	if tracks(t) {
		for name, row := range rows {
			if row.lossy {
				rows[name] = pgbouncerRow{append(row.settings, "max_prepared_statements = 0"), "", true}
				rows[name+", and tracked"] = pgbouncerRow{append(slices.Clip(row.settings), "max_prepared_statements = 100"), "", false}
			}
		}
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			through := pgbouncer(t, db.Superuser, role, row.settings...) + row.options
			for range 3 {
				err := checkHealth(t, through)
				if row.lossy && (err == nil || !strings.Contains(err.Error(), lossy)) || !row.lossy && err != nil {
					t.Errorf("health: %v", err)
				}
			}
			if !row.lossy {
				readConcurrently(t, through)
			}
			if err := checkHealth(t, through); row.lossy != (err != nil) {
				t.Errorf("health after that: %v", err)
			}
		})
	}
}

// readConcurrently runs sixteen readers, for two users and with each form of a filter.
func readConcurrently(t *testing.T, url string) {
	t.Helper()
	jobs := postgres.NewJobStore(openPool(t, url, 0), 20*time.Second)
	var wg sync.WaitGroup
	for reader := range 16 {
		wg.Go(func() {
			for turn := range 50 {
				filter := report.Filter{UserID: "a", Count: 100}
				want := 30
				switch (reader + turn) % 3 {
				case 1:
					filter.UserID, want = "b", 1
				case 2:
					filter.Statuses, filter.Count, want = []report.Status{report.Queued}, 10, 10
				}
				seen := 0
				err := jobs.EachJob(t.Context(), filter, func(job *report.Job) error {
					seen++
					if job.UserID != filter.UserID {
						t.Errorf("a job of %s for %s", job.UserID, filter.UserID)
					}
					return nil
				})
				if err != nil || seen != want {
					t.Errorf("%d jobs, want %d: %v", seen, want, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestPgBouncerMigrate(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	_, err := postgres.Migrate(t.Context(), pgbouncer(t, db.Superuser, "postgres", "pool_mode = transaction"), discard)
	if err == nil || !strings.Contains(err.Error(), "connect to the database itself") {
		t.Errorf("in transaction mode: %v", err)
	}
	if version, err := postgres.Migrate(t.Context(), pgbouncer(t, db.Superuser, "postgres", "pool_mode = session"), discard); err != nil || version == 0 {
		t.Errorf("in session mode: %v", err)
	}
}
