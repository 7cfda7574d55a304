// SPDX-License-Identifier: Apache-2.0

package main

import (
	"regexp"
	"strings"
	"testing"

	"reporting/internal/postgres/pgtest"
)

// reportSettings are those of a service that takes orders, and of its workers.
func reportSettings(t *testing.T, db pgtest.Database, roles string) map[string]string {
	t.Helper()
	settings := serveSettings(t)
	login := func(name, roles string) string {
		name += "_" + freePort(t) // roles belong to all databases of the server
		db.Exec(t, "create role "+name+" login password 'hunter2hunter2' in role "+roles)
		return strings.Replace(db.Superuser, "postgres://postgres@", "postgres://"+name+":hunter2hunter2@", 1)
	}
	settings["REPORTING_DATABASE_URL"] = login("serve", roles)
	settings["REPORTING_WORKER_DATABASE_URL"] = login("worker", "reporting_worker")
	settings["REPORTING_SOURCE"], settings["REPORTING_WORKERS"] = "synthetic:1000", "0"
	return settings
}

// The doctor checks what a service with orders needs, and what workers need.
//
//nolint:paralleltest // the environment is the process's
func TestDoctorOfReports(t *testing.T) {
	settings := reportSettings(t, pgtest.New(t), "reporting_reader, reporting_requester")
	code, stdout, stderr := call(t, settings, "doctor")
	if code != exitOK || strings.Contains(stdout+stderr, "hunter2") {
		t.Errorf("got exit code %d, want %d, and no password\n%s%s", code, exitOK, stdout, stderr)
	}
	wants(t, stdout, "may act as reporting_requester", "may act as reporting_worker", "workers use the database of orders", "1000 synthetic episodes",
		"the temporary folder", "reporting_requester may do what is needed")

	settings["REPORTING_WORKERS"] = "2"
	for _, name := range []string{"REPORTING_DATABASE_URL", "REPORTING_AUTH_ISSUERS", "REPORTING_AUTH_AUDIENCE"} {
		delete(settings, name)
	}
	code, stdout, stderr = call(t, settings, "doctor", "--worker")
	if code != exitOK || strings.Contains(stdout, "reporting_requester") || strings.Contains(stdout, "base URL") {
		t.Errorf("worker: %d\n%s%s", code, stdout, stderr)
	}
	wants(t, stdout, "may act as reporting_worker", "opens up to 8 connections", "the temporary folder")
	settings["REPORTING_SOURCE"] = ""
	if code, stdout, _ = call(t, settings, "doctor", "--worker"); code != exitFailure || !strings.Contains(stdout, "REPORTING_SOURCE is required") {
		t.Errorf("without a source: got exit code %d, want %d\n%s", code, exitFailure, stdout)
	}
}

// A service whose login may take no orders is ready. Its log says what to do, and when it was
// done.
func TestServeWithoutRequesterRole(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped with -short: waits five seconds for the next check of the rights")
	}
	db := pgtest.New(t)
	settings := reportSettings(t, db, "reporting_reader")
	settings["REPORTING_LISTEN"], settings["REPORTING_OPS_LISTEN"] = "127.0.0.1:0", "127.0.0.1:0"
	environ := make([]string, 0, len(settings))
	for name, value := range settings {
		environ = append(environ, name+"="+value)
	}
	p := spawnQuiet(t, t.TempDir(), environ, "serve")
	said := p.expectAll(t, serving, regexp.MustCompile(`orders do not work.*: grant reporting_requester to (\w+)`))
	p.listens(said[0])
	until(t, func() bool { return ready(t, p.ops) })
	db.Exec(t, "grant reporting_requester to "+said[1][1])
	p.expect(t, regexp.MustCompile(`orders work again`))
}
