// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"strings"
	"testing"
)

// working are settings of a service with reports.
func working(change map[string]string) map[string]string {
	environ := map[string]string{"REPORTING_DATABASE_URL": "postgres://h/d", "REPORTING_AUTH": "gateway", "REPORTING_SOURCE": "synthetic:10"}
	maps.Copy(environ, change)
	return environ
}

//nolint:paralleltest // the environment is the process's
func TestReportSettings(t *testing.T) {
	const credentials = "must be set together, or not at all"
	secret := map[string]string{
		"REPORTING_SOURCE": "https://fhir.example/r4", "REPORTING_SOURCE_TOKEN_URL": "https://idp.example/token",
		"REPORTING_SOURCE_CLIENT_ID": "reporting", "REPORTING_SOURCE_CLIENT_SECRET": "hunter2",
	}
	without := func(name string, more map[string]string) map[string]string {
		set := maps.Clone(secret)
		delete(set, name)
		maps.Copy(set, more)
		return set
	}
	for _, tt := range []struct {
		set  map[string]string
		want string // empty: no problem
	}{
		{nil, ""},
		{map[string]string{"REPORTING_SOURCE": ""}, ""}, // no reports
		{map[string]string{"REPORTING_SOURCE": "/var/export"}, ""},
		{map[string]string{"REPORTING_SOURCE": "http://fhir.example:8080/r4/"}, ""},
		{map[string]string{"REPORTING_SOURCE": "synthetic:0"}, "REPORTING_SOURCE synthetic: must be a whole number from 1 to 1000000000"},
		{map[string]string{"REPORTING_SOURCE": "synthetic:1000000001"}, "REPORTING_SOURCE synthetic: must be"},
		{map[string]string{"REPORTING_SOURCE": "synthetic:many"}, "REPORTING_SOURCE synthetic: must be"},
		{map[string]string{"REPORTING_SOURCE": "synthetic"}, "REPORTING_SOURCE must be the base URL"},
		{map[string]string{"REPORTING_SOURCE": "export"}, "REPORTING_SOURCE must be the base URL"},
		{map[string]string{"REPORTING_SOURCE": "./export"}, "REPORTING_SOURCE must be the base URL"},
		{map[string]string{"REPORTING_SOURCE": "ftp://fhir.example"}, "REPORTING_SOURCE must be the base URL"},
		{map[string]string{"REPORTING_SOURCE": "https://"}, "REPORTING_SOURCE must be an absolute"},
		{map[string]string{"REPORTING_SOURCE": "https://u:hunter2@fhir.example"}, "REPORTING_SOURCE must not have a query, a fragment or a user"},
		{map[string]string{"REPORTING_SOURCE": "https://fhir.example/r4?x=hunter2"}, "REPORTING_SOURCE must not have a query"},
		{secret, ""},
		{without("REPORTING_SOURCE_CLIENT_SECRET", nil), credentials},
		{without("REPORTING_SOURCE_CLIENT_ID", nil), credentials},
		{without("REPORTING_SOURCE_TOKEN_URL", nil), credentials},
		{without("", map[string]string{"REPORTING_SOURCE_TOKEN_URL": "idp.example/token"}), "REPORTING_SOURCE_TOKEN_URL must be an absolute http or https URL"},
		{without("", map[string]string{"REPORTING_SOURCE": "/var/export"}), "REPORTING_SOURCE_TOKEN_URL has a meaning only where"},
		{without("", map[string]string{"REPORTING_SOURCE": ""}), "REPORTING_SOURCE_TOKEN_URL has a meaning only where"},
		{map[string]string{"REPORTING_TIME_ZONE": "Europe/Kopenhagen"}, "REPORTING_TIME_ZONE must name a time zone"},
		{map[string]string{"REPORTING_TIME_ZONE": "Local"}, "REPORTING_TIME_ZONE must name"}, // depends on the machine
		{map[string]string{"REPORTING_TIME_ZONE": "../etc/passwd"}, "REPORTING_TIME_ZONE must name"},
		{map[string]string{"REPORTING_TIME_ZONE": "UTC", "REPORTING_NIGHTLY_AT": "23:59"}, ""},
		{map[string]string{"REPORTING_NIGHTLY_AT": "24:00"}, "REPORTING_NIGHTLY_AT must be an hour and a minute"},
		{map[string]string{"REPORTING_NIGHTLY_AT": "2 am"}, "REPORTING_NIGHTLY_AT must be"},
		{map[string]string{"REPORTING_NIGHTLY_AT": "02:00:00"}, "REPORTING_NIGHTLY_AT must be"},
		{map[string]string{"REPORTING_ATTEMPT_TIMEOUT": "0s"}, "REPORTING_ATTEMPT_TIMEOUT must be a duration above zero"},
		{map[string]string{"REPORTING_ATTEMPT_TIMEOUT": "30"}, "REPORTING_ATTEMPT_TIMEOUT must be"},
		{map[string]string{"REPORTING_MAX_ATTEMPTS": "0"}, "REPORTING_MAX_ATTEMPTS must be a whole number from 1 to 100"},
		{map[string]string{"REPORTING_MAX_ATTEMPTS": "101"}, "REPORTING_MAX_ATTEMPTS must be"},
		{map[string]string{"REPORTING_FETCH_TIMEOUT": "-1s"}, "REPORTING_FETCH_TIMEOUT must be a duration above zero"},
		{map[string]string{"REPORTING_FETCH_CONCURRENT": "-1"}, "REPORTING_FETCH_CONCURRENT must be a whole number from 0 to 256"},
		{map[string]string{"REPORTING_FETCH_CONCURRENT": "257"}, "REPORTING_FETCH_CONCURRENT must be"},
		{map[string]string{"REPORTING_FETCH_CONCURRENT": "0", "REPORTING_WORKERS": "0"}, ""},
		{map[string]string{"REPORTING_WORKERS": "257"}, "REPORTING_WORKERS must be a whole number from 0 to 256"},
		{map[string]string{"REPORTING_WORKERS": "two"}, "REPORTING_WORKERS must be"},
		{map[string]string{"REPORTING_RETENTION_DAYS": "-1"}, "REPORTING_RETENTION_DAYS must be a whole number from 0 to 36500"},
		{map[string]string{"REPORTING_RETENTION_DAYS": "36501"}, "REPORTING_RETENTION_DAYS must be"},
		{map[string]string{"REPORTING_RETENTION_DAYS": "1.5"}, "REPORTING_RETENTION_DAYS must be"},
		{map[string]string{"REPORTING_RETENTION_DAYS": "36500"}, ""},
		{map[string]string{"REPORTING_WORKER_DATABASE_URL": "mysql://u:hunter2@h/d"}, "REPORTING_WORKER_DATABASE_URL is "},
	} {
		for _, command := range []string{"serve", "worker"} {
			if command == "worker" && (tt.set["REPORTING_WORKERS"] == "0" || tt.want == "" && working(tt.set)["REPORTING_SOURCE"] == "") {
				continue // a worker needs both: see TestWorkerSettings
			}
			environ := working(tt.set)
			if command == "worker" {
				delete(environ, "REPORTING_AUTH")
			}
			code, stdout, stderr := call(t, environ, command, "--print-config")
			if strings.Contains(stdout+stderr, "hunter2") {
				t.Errorf("%s %v: the output holds a secret:\n%s%s", command, tt.set, stdout, stderr)
			}
			switch {
			case tt.want == "" && code != exitOK:
				t.Errorf("%s %v: exit code %d: %s", command, tt.set, code, stderr)
			case tt.want != "" && code != exitUsage:
				t.Errorf("%s %v: exit code %d", command, tt.set, code)
			case tt.want != "":
				wants(t, stderr, tt.want)
			}
		}
	}
}

// A worker needs a source, and none of the settings of the API.
//
//nolint:paralleltest // the environment is the process's
func TestWorkerSettings(t *testing.T) {
	code, _, stderr := call(t, map[string]string{"REPORTING_WORKERS": "0"}, "worker", "--print-config")
	if code != exitUsage {
		t.Errorf("exit code %d", code)
	}
	wants(t, stderr, "REPORTING_SOURCE is required", "REPORTING_WORKERS must be above zero here", "REPORTING_DATABASE_URL is required")
	if strings.Contains(stderr, "REPORTING_AUTH") {
		t.Errorf("a worker requires settings of authentication:\n%s", stderr)
	}
	code, stdout, stderr := call(t, map[string]string{
		"REPORTING_SOURCE": "/var/export", "REPORTING_WORKER_DATABASE_URL": "postgres://w:hidden@h/d",
	}, "worker", "--print-config")
	if code != exitOK || strings.Contains(stdout, "hidden") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	wants(t, stdout, "REPORTING_SOURCE=/var/export\n", "REPORTING_WORKER_DATABASE_URL=postgres://w:xxxxx@h/d\n", "REPORTING_MAX_ATTEMPTS=3\n",
		"REPORTING_TIME_ZONE=Europe/Copenhagen\n", "REPORTING_NIGHTLY_AT=02:00\n", "REPORTING_RETENTION_DAYS=0\n")
}
