// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Pgbench is the load generator of Postgres, on a private database.
type Pgbench struct {
	Program string
	db      *Database
	libs    string // LD_LIBRARY_PATH of a downloaded Postgres
}

// Pgbench finds the program beside the server's programs, or on the path.
func (d *Database) Pgbench() (*Pgbench, error) {
	p := &Pgbench{db: d, Program: filepath.Join(d.Bin, "pgbench"), libs: d.environment("LD_LIBRARY_PATH")}
	if _, err := os.Stat(p.Program); err == nil {
		return p, nil
	}
	found, err := exec.LookPath("pgbench")
	if err != nil {
		return nil, errors.New("pgbench, against which the service is measured, is neither beside Postgres nor on the path: " +
			"Debian and Ubuntu have it in the package postgresql, Fedora and Alpine in postgresql-contrib")
	}
	p.Program, p.libs = found, ""
	return p, nil
}

// environment returns a variable of the postmaster.
func (d *Database) environment(name string) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", d.Postmaster))
	if err != nil {
		return "" // not readable: another user's process
	}
	for variable := range strings.SplitSeq(string(text), "\x00") {
		if value, found := strings.CutPrefix(variable, name+"="); found {
			return value
		}
	}
	return ""
}

// Script is a script for pgbench and its role.
type Script struct {
	Text string
	Role string // role of the session; empty: the superuser
}

// Bench is the result of a run.
type Bench struct {
	PerSecond float64
	Mean      time.Duration
	CPU       time.Duration   // of pgbench itself
	Calls     float64         // number of transactions
	Times     []time.Duration // of each, sorted; only if requested
}

const (
	benchClients = 8
	benchThreads = 2
)

// Run runs a script for a time. Measuring the time of each transaction slows pgbench down, so it
// is for extra runs.
func (p *Pgbench) Run(ctx context.Context, script Script, lasts time.Duration, times bool) (b Bench, err error) {
	dir, err := os.MkdirTemp("", "pgbench")
	if err != nil {
		return b, fmt.Errorf("run pgbench: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "script.sql")
	if err := os.WriteFile(file, []byte(script.Text), 0o600); err != nil {
		return b, fmt.Errorf("run pgbench: %w", err)
	}
	args := []string{
		"-M", "prepared", "-n", "-c", strconv.Itoa(benchClients), "-j", strconv.Itoa(benchThreads),
		"-T", strconv.Itoa(max(1, int(lasts.Round(time.Second)/time.Second))), "-f", file,
	}
	if times {
		args = append(args, "-l", "--log-prefix", filepath.Join(dir, "times"))
	}
	var out, problems bytes.Buffer
	cmd := exec.CommandContext(ctx, p.Program, append(args, "postgres")...) //nolint:gosec // found by name, arguments of ours
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "LD_LIBRARY_PATH=" + p.libs, "PGHOST=" + p.db.Socket, "PGPORT=5432",
		"PGUSER=postgres", "PGSSLMODE=disable",
	}
	if script.Role != "" {
		cmd.Env = append(cmd.Env, "PGOPTIONS=-c role="+script.Role)
	}
	cmd.Stdout, cmd.Stderr = &out, &problems
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		return b, fmt.Errorf("run pgbench: %w: %s", err, strings.TrimSpace(problems.String()))
	}
	if b, err = readBench(out.String()); err != nil {
		return b, fmt.Errorf("run pgbench: %w", err)
	}
	b.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if times {
		b.Times, err = readTimes(dir)
	}
	return b, err
}

var (
	benchRate  = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)
	benchMean  = regexp.MustCompile(`(?m)^latency average = ([0-9.]+) ms`)
	benchCalls = regexp.MustCompile(`(?m)^number of transactions actually processed: (\d+)`)
)

// readBench parses the final output of pgbench.
func readBench(text string) (b Bench, err error) {
	var mean float64
	for _, figure := range []struct {
		pattern *regexp.Regexp
		value   *float64
	}{{benchRate, &b.PerSecond}, {benchMean, &mean}, {benchCalls, &b.Calls}} {
		match := figure.pattern.FindStringSubmatch(text)
		if match == nil {
			return b, fmt.Errorf("pgbench prints no %q: %.300q", figure.pattern, text)
		}
		if *figure.value, err = strconv.ParseFloat(match[1], 64); err != nil {
			return b, fmt.Errorf("read what pgbench prints: %w", err)
		}
	}
	b.Mean = time.Duration(mean * float64(time.Millisecond))
	return b, nil
}
