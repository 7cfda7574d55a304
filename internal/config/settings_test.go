// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"reporting/internal/config"
)

// setting is what the tests know of one setting.
type setting struct {
	name     string
	fallback string            // as printed
	valid    map[string]string // by value, how it is printed
	invalid  []string
	problem  string // for every invalid value, behind the name
}

// as returns values that are printed unchanged.
func as(values ...string) map[string]string {
	same := map[string]string{}
	for _, v := range values {
		same[v] = v
	}
	return same
}

const (
	aboveZero = "must be a duration above zero, as in 500ms or 5s"
	orZero    = "must be a duration, as in 0s or 5s"
	address   = "must be an address as in :8080 or 127.0.0.1:8080"
)

// scalar are the settings that are valid or invalid whatever the others are. They
// are tested in gateway mode.
func scalar() []setting {
	return []setting{
		{"REPORTING_LISTEN", ":8080", as("127.0.0.1:8081", ":0", "[::1]:80", "localhost:65535"), []string{"8080", "", ":65536", ":http", "::1"}, address},
		{"REPORTING_OPS_LISTEN", ":9090", as("127.0.0.1:0"), []string{"9090", "", ":-1"}, address},
		{
			"REPORTING_BASE_URL", "http://localhost:8080/fhir",
			map[string]string{"https://r.example/fhir/": "https://r.example/fhir", "https://r.example": "https://r.example", "": "http://localhost:8080/fhir"},
			[]string{"localhost/fhir", "ftp://h/fhir", "http://:8080/fhir", "https://"},
			"must be an absolute http or https URL",
		},
		{
			"REPORTING_BASE_URL", "http://localhost:8080/fhir", nil,
			[]string{"https://h/fhir?", "https://h/fhir?x=1", "https://h/fhir#x", "https://u:hunter2@h/fhir"},
			"must not have a query, a fragment or a user",
		},
		{
			"REPORTING_BASE_URL", "http://localhost:8080/fhir", nil,
			[]string{"https://h/a/../fhir", "https://h/a//b", "https://h/{x}", "https://h/a%2fb", "https://h/$x"},
			"must have a plain path, as in /fhir",
		},
		{"REPORTING_FULL_URL", "id", as("absolute"), []string{"relative", "", "ID"}, "must be id or absolute"},
		{
			"REPORTING_MAX_BODY", "1048576",
			map[string]string{"512KiB": "524288", "100": "100", "64MiB": "67108864"},
			[]string{"many", "", "0", "-1", "1GB", "1.5MiB", "4294967296"},
			"must be a number of bytes above zero, as in 512KiB or 1MiB",
		},
		{"REPORTING_MAX_BODY", "1048576", nil, []string{"65MiB", "2147483647MiB"}, "must be at most 64MiB"},
		{"REPORTING_MAX_CONNECTIONS", "4096", as("32", "1000000"), []string{"31", "1000001", "1e3", ""}, "must be a whole number from 32 to 1000000"},
		{"REPORTING_MAX_CONCURRENT", "512", as("1"), []string{"0", "-1", "x"}, "must be a whole number from 1 to 1000000"},
		{"REPORTING_USER_RATE", "20", as("0"), []string{"-1", "1.5"}, "must be a whole number from 0 to 1000000"},
		{
			"REPORTING_CORS_ORIGINS", "",
			map[string]string{" https://a.example , http://localhost:3000,": "https://a.example,http://localhost:3000"},
			[]string{"https://a.example/app", "https://a.example/", "https://*.example"},
			"must list origins without a path, as in https://portal.example",
		},
		{"REPORTING_CORS_ORIGINS", "", nil, []string{"*", "a.example"}, "must be an absolute http or https URL"},
		{"REPORTING_SHUTDOWN_DELAY", "5s", as("0s"), []string{"-1s", "5", ""}, orZero},
		{"REPORTING_SHUTDOWN_GRACE", "15s", as("1ms"), []string{"0s", "-1s", "soon"}, aboveZero},
		{"REPORTING_STATEMENT_TIMEOUT", "5s", as("20s"), []string{"0s", "5", ""}, aboveZero},
		{"REPORTING_STATEMENT_TIMEOUT", "5s", nil, []string{"20.001s", "10m"}, "must be at most 20s"},
		{"REPORTING_JOB_METRICS_INTERVAL", "30s", as("0s"), []string{"-1s", "30"}, orZero},
		{"REPORTING_LOG_LEVEL", "info", map[string]string{"debug": "debug", "WARN": "warn"}, []string{"loud", ""}, "must be debug, info, warn or error"},
		{"REPORTING_LOG_FORMAT", "json", map[string]string{"text": "text", "": "json"}, []string{"xml"}, "must be json or text"},
		{
			"REPORTING_AUDIT_LOG", "stdout", as("stderr", "off", "/var/log/audit.jsonl", "./audit.jsonl"),
			[]string{"none", "audit.jsonl"},
			"must be stdout, stderr, off, or a path with a slash",
		},
		{
			"REPORTING_LOG_USER_KEY", "",
			map[string]string{"sixteen characters": "xxxxx"},
			[]string{"fifteen letters"},
			"must have at least 16 characters; use a random value",
		},
		{
			"REPORTING_DATABASE_REPLICA_URL", "", as("postgres://replica/d"),
			[]string{"mysql://u:hunter2@h/d"},
			"is not a Postgres connection string",
		},
		{
			"REPORTING_AUTH_TRUSTED_PEERS", "127.0.0.0/8,::1/128",
			map[string]string{"10.1.2.3/16, ::1": "10.1.0.0/16,::1/128", "10.0.0.1": "10.0.0.1/32", "fc00::/7": "fc00::/7", "::ffff:10.0.0.1": "10.0.0.1/32"},
			[]string{"everybody", "10.0.0.0/33"},
			"must list ",
		},
		{"REPORTING_AUTH_TRUSTED_PEERS", "127.0.0.0/8,::1/128", nil, []string{","}, "must list at least one address range, as in 10.1.0.0/16"},
		{"REPORTING_AUTH_TRUSTED_PEERS", "127.0.0.0/8,::1/128", nil, []string{"::ffff:10.0.0.0/104"}, "must list IPv4 ranges as such"},
		{"REPORTING_AUTH_TRUSTED_PEERS", "127.0.0.0/8,::1/128", nil, []string{"0.0.0.0/7", "10.0.0.0/8,::/0"}, "must not list a range wider than /8 (IPv6: /7)"},
		{"REPORTING_AUTH", "gateway", nil, []string{"none", "", "VERIFY"}, "must be verify or gateway"},
	}
}

// reports are the settings of reports, tested in the same way.
func reportSettings() []setting {
	const source = "must be the base URL of a FHIR server, the absolute path of a folder of NDJSON files, or synthetic:N"
	return []setting{
		{"REPORTING_SOURCE", "", as("synthetic:1", "synthetic:1000000000", "/var/export", "https://fhir.example/r4"), []string{"synthetic", "export", "./export", "ftp://h"}, source},
		{"REPORTING_SOURCE", "", nil, []string{"synthetic:0", "synthetic:1000000001", "synthetic:many", "synthetic:"}, "synthetic: must be a whole number from 1 to 1000000000"},
		{"REPORTING_SOURCE", "", nil, []string{"https://", "http://:80"}, "must be an absolute http or https URL"},
		{"REPORTING_SOURCE", "", nil, []string{"https://u:hunter2@h", "https://h?x=hunter2", "https://h#x"}, "must not have a query, a fragment or a user"},
		{"REPORTING_TIME_ZONE", "Europe/Copenhagen", as("UTC", "America/New_York"), []string{"", "Local", "Europe/Kopenhagen", "../etc/passwd"}, "must name a time zone, as in Europe/Copenhagen or UTC"},
		{"REPORTING_NIGHTLY_AT", "02:00", as("00:00", "23:59"), []string{"", "24:00", "2 am", "02:00:00"}, "must be an hour and a minute, as in 02:00"},
		{"REPORTING_ATTEMPT_TIMEOUT", "30m0s", map[string]string{"90s": "1m30s"}, []string{"0s", "30", ""}, aboveZero},
		{"REPORTING_MAX_ATTEMPTS", "3", as("1", "100"), []string{"0", "101", "x"}, "must be a whole number from 1 to 100"},
		{"REPORTING_FETCH_TIMEOUT", "8s", as("1s"), []string{"0s", "-1s"}, aboveZero},
		{"REPORTING_FETCH_CONCURRENT", "2", as("0", "256"), []string{"-1", "257"}, "must be a whole number from 0 to 256"},
		{"REPORTING_WORKERS", "2", as("0", "256"), []string{"-1", "257", "two"}, "must be a whole number from 0 to 256"},
		{"REPORTING_WORKER_DATABASE_URL", "", as("postgres://h/d"), []string{"mysql://u:hunter2@h/d"}, "is not a Postgres connection string"},
		{"REPORTING_RETENTION_DAYS", "0", as("1", "36500"), []string{"-1", "36501", "1.5"}, "must be a whole number from 0 to 36500"},
	}
}

// printed returns the value of a setting in the output of Print.
func printed(t *testing.T, c config.Config, name string) string {
	t.Helper()
	var out bytes.Buffer
	c.Print(&out)
	for line := range strings.Lines(out.String()) {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return strings.TrimSuffix(value, "\n")
		}
	}
	t.Fatalf("%s is not printed:\n%s", name, &out)
	return ""
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for _, s := range slices.Concat(scalar(), reportSettings()) {
		c, err := gateway().flags(t).Serve(checks)
		wantProblem(t, err, "")
		if got := printed(t, c, s.name); got != s.fallback {
			t.Errorf("%s: got default %q, want %q", s.name, got, s.fallback)
		}
		for value, want := range s.valid {
			c, err := gateway().with(s.name, value).flags(t).Serve(checks)
			if err != nil {
				t.Errorf("%s=%q: got %v, want no problem", s.name, value, err)
				continue
			}
			if got := printed(t, c, s.name); got != want {
				t.Errorf("%s=%q: printed %q, want %q", s.name, value, got, want)
			}
		}
		for _, value := range s.invalid {
			_, err := gateway().with(s.name, value).flags(t).Serve(checks)
			wantProblem(t, err, s.name+" "+s.problem)
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: the message holds a password: %v", s.name, err)
			}
		}
	}
}

// Every setting is printed, and TestSettings and TestCombinations know all of them.
func TestEverySettingIsTestedAndPrinted(t *testing.T) {
	t.Parallel()
	tested := []string{
		"REPORTING_DATABASE_URL", "REPORTING_AUTH_ISSUERS", "REPORTING_AUTH_JWKS_URL", "REPORTING_AUTH_AUDIENCE",
		"REPORTING_SOURCE_TOKEN_URL", "REPORTING_SOURCE_CLIENT_ID", "REPORTING_SOURCE_CLIENT_SECRET", "REPORTING_SOURCE_SCOPES",
	}
	for _, s := range slices.Concat(scalar(), reportSettings()) {
		tested = append(tested, s.name)
	}
	c, err := gateway().flags(t).Serve(checks)
	wantProblem(t, err, "")
	for _, name := range config.Names() {
		if !slices.Contains(tested, name) {
			t.Errorf("%s has no test", name)
		}
		printed(t, c, name)
	}
}
