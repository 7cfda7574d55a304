// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"reporting/internal/auth/authtest"
	"reporting/internal/postgres/pgtest"
)

// serveSettings are the settings of a service in good order.
func serveSettings(t *testing.T) map[string]string {
	t.Helper()
	db := pgtest.New(t)
	port := freePort(t)
	login := "doctor_" + port // roles belong to the cluster, not to a database
	db.Exec(t, "create role "+login+" login password 'hunter2hunter2' in role reporting_reader")
	return map[string]string{
		"REPORTING_DATABASE_URL": strings.Replace(db.Superuser, "postgres://postgres@", "postgres://"+login+":hunter2hunter2@", 1),
		"REPORTING_AUTH_ISSUERS": authtest.New(t).Issuer(), "REPORTING_AUTH_AUDIENCE": "reporting",
		"REPORTING_LISTEN": "127.0.0.1:" + port, "REPORTING_OPS_LISTEN": "127.0.0.1:" + freePort(t),
		"REPORTING_BASE_URL": "http://127.0.0.1:" + port + "/fhir", "REPORTING_LOG_USER_KEY": "hunter2hunter2hunter2",
	}
}

// The doctor accepts good settings, before the service starts and while it runs.
//
//nolint:paralleltest // the environment is the process's
func TestDoctorOfAGoodService(t *testing.T) {
	settings := serveSettings(t)
	environ := make([]string, 0, len(settings))
	for name, value := range settings {
		environ = append(environ, name+"="+value)
	}
	code, stdout, stderr := call(t, settings, "doctor")
	if code != exitOK || strings.Contains(stdout, "wrong   ") || strings.Contains(stdout+stderr, "hunter2") {
		t.Errorf("before the start: got exit code %d\n%s%s", code, stdout, stderr)
	}
	wants(t, stdout, "the API address "+settings["REPORTING_LISTEN"]+" is free", "3 of 3 published keys", "0 things are wrong")

	p := spawn(t, t.TempDir(), environ, "serve")
	until(t, func() bool { return ready(t, p.ops) })
	code, stdout, stderr = call(t, settings, "doctor")
	if code != exitOK || strings.Contains(stdout, "warning  ") && !limited.MatchString(stdout) || strings.Contains(stdout+stderr, "hunter2") {
		t.Errorf("while it runs: got exit code %d\n%s%s", code, stdout, stderr)
	}
	wants(t, stdout, "the API address "+settings["REPORTING_LISTEN"]+" is taken by a service of this kind that runs",
		"the operations address "+settings["REPORTING_OPS_LISTEN"]+" is taken by a service of this kind that runs", "is answered by this software")
}

// limited matches a warning that is normal on a machine that runs tests.
var limited = regexp.MustCompile(`(?m)^warning  limits `)

// Invalid settings do not keep the doctor from its other checks.
//
//nolint:paralleltest // the environment is the process's
func TestDoctorOfWrongSettings(t *testing.T) {
	settings := serveSettings(t)
	settings["REPORTING_AUTH_ISSUERS"] = ""
	settings["REPORTING_LITSEN"] = "misspelled"
	settings["REPORTING_MAX_BODY"] = "many"
	settings["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc"
	code, stdout, stderr := call(t, settings, "doctor", "--json")
	if code != exitFailure || stderr == "" || strings.Contains(stdout+stderr, "hunter2") {
		t.Errorf("got exit code %d\n%s%s", code, stdout, stderr)
	}
	var report struct {
		Findings []struct{ Area, Result, Text string }
		Wrong    int
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for _, f := range report.Findings {
		lines.WriteString(f.Result + " " + f.Area + ": " + f.Text + "\n")
	}
	wants(t, lines.String(), "wrong settings: REPORTING_AUTH_ISSUERS is required", "wrong settings: REPORTING_LITSEN is not a setting",
		"wrong settings: REPORTING_MAX_BODY must be", "wrong settings: OTEL_EXPORTER_OTLP_PROTOCOL must be", "ok database: ", "ok role: ", "not run tokens: because of what is wrong with REPORTING_AUTH")
	if report.Wrong != 4 {
		t.Errorf("got %d wrong findings, want 4:\n%s", report.Wrong, &lines)
	}
	if code, _, stderr := call(t, settings, "doctor", "--no-such-flag"); code != exitUsage || !strings.Contains(stderr, "--no-such-flag") {
		t.Errorf("unknown flag: got exit code %d %s, want %d", code, stderr, exitUsage)
	}
}
