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

// serveSettings are those of a correct installation.
func serveSettings(t *testing.T) map[string]string {
	t.Helper()
	db := pgtest.New(t)
	port := freePort(t)
	login := "doctor_" + port // roles belong to all databases of the server
	db.Exec(t, "create role "+login+" login password 'hunter2hunter2' in role reporting_reader")
	return map[string]string{
		"REPORTING_DATABASE_URL": strings.Replace(db.Superuser, "postgres://postgres@", "postgres://"+login+":hunter2hunter2@", 1),
		"REPORTING_AUTH_ISSUERS": authtest.New(t).Issuer(), "REPORTING_AUTH_AUDIENCE": "reporting",
		"REPORTING_LISTEN": "127.0.0.1:" + port, "REPORTING_OPS_LISTEN": "127.0.0.1:" + freePort(t),
		"REPORTING_BASE_URL": "http://127.0.0.1:" + port + "/fhir", "REPORTING_LOG_USER_KEY": "hunter2hunter2hunter2",
	}
}

// The doctor finds no errors before the service runs, and finds the service once it runs.
//
//nolint:paralleltest // the environment is the process's
func TestDoctorOfCorrectInstallation(t *testing.T) {
	settings := serveSettings(t)
	environ := make([]string, 0, len(settings))
	for name, value := range settings {
		environ = append(environ, name+"="+value)
	}
	code, stdout, stderr := call(t, settings, "doctor")
	if code != exitOK || strings.Contains(stdout, "error   ") || strings.Contains(stdout+stderr, "hunter2") {
		t.Errorf("before: %d\n%s%s", code, stdout, stderr)
	}
	wants(t, stdout, "/fhir/metadata cannot be read from here", "3 of 3 published keys", "errors: 0")

	p := spawn(t, t.TempDir(), environ, "serve")
	until(t, func() bool { return ready(t, p.ops) })
	code, stdout, stderr = call(t, settings, "doctor")
	if code != exitOK || strings.Contains(stdout, "warning  ") && !limited.MatchString(stdout) || strings.Contains(stdout+stderr, "hunter2") {
		t.Errorf("while it runs: %d\n%s%s", code, stdout, stderr)
	}
	wants(t, stdout, "this service answers "+settings["REPORTING_BASE_URL"]+"/metadata")
}

// limited matches a warning that depends on the machine.
var limited = regexp.MustCompile(`(?m)^warning  memory `)

// Invalid settings do not prevent the checks that need other settings.
//
//nolint:paralleltest // the environment is the process's
func TestDoctorOfInvalidSettings(t *testing.T) {
	settings := serveSettings(t)
	settings["REPORTING_AUTH_ISSUERS"] = ""
	settings["REPORTING_LITSEN"] = "misspelled"
	settings["REPORTING_MAX_BODY"] = "many"
	settings["OTEL_EXPORTER_OTLP_ENDPOINT"], settings["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http://collector:4318", "grpc"
	code, stdout, stderr := call(t, settings, "doctor", "--json")
	if code != exitFailure || stderr == "" || strings.Contains(stdout+stderr, "hunter2") {
		t.Errorf("got exit code %d\n%s%s", code, stdout, stderr)
	}
	var report struct {
		Findings []struct{ Area, Result, Message string }
		Errors   int
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for _, f := range report.Findings {
		lines.WriteString(f.Result + " " + f.Area + ": " + f.Message + "\n")
	}
	wants(t, lines.String(), "error settings: REPORTING_AUTH_ISSUERS is required", "error settings: REPORTING_LITSEN is not a setting",
		"error settings: REPORTING_MAX_BODY must be", "error settings: OTEL_EXPORTER_OTLP_PROTOCOL must be", "ok database: ", "ok role: ", "skipped tokens: REPORTING_AUTH")
	if report.Errors != 4 {
		t.Errorf("%d errors:\n%s", report.Errors, &lines)
	}
	if code, _, stderr := call(t, settings, "doctor", "--no-such-flag"); code != exitUsage || !strings.Contains(stderr, "--no-such-flag") {
		t.Errorf("an unknown flag: %d %s", code, stderr)
	}
}
