// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"reporting/api"
)

// call runs a command line in this process, with its own environment.
func call(t *testing.T, environ map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "REPORTING_") || strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "") // so that it comes back after the test
			_ = os.Unsetenv(name)
		}
	}
	variables := make([]string, 0, len(environ))
	for name, value := range environ {
		t.Setenv(name, value)
		variables = append(variables, name+"="+value)
	}
	var out, errs bytes.Buffer
	code = run(t.Context(), args, variables, &out, &errs)
	return code, out.String(), errs.String()
}

func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("got no %q in:\n%s", part, text)
		}
	}
}

//nolint:paralleltest // the environment is the process's
func TestEveryProblemIsReportedAtOnce(t *testing.T) {
	code, _, stderr := call(t, map[string]string{
		"REPORTING_LISTEN":            "8080",
		"REPORTING_BASE_URL":          "localhost/fhir",
		"REPORTING_DATABASE_URL":      "mysql://user:secret@host/db",
		"REPORTING_STATEMENT_TIMEOUT": "5",
		"REPORTING_MAX_BODY":          "many",
		"REPORTING_FULL_URL":          "relative",
		"REPORTING_LOG_LEVEL":         "loud",
		"REPORTING_CORS_ORIGINS":      "https://portal.example/app",
		"REPORTING_AUTH_JWKS_URL":     "file:///etc/passwd",
		"REPORTING_AUTH_ISSUERS":      "https://idp.example",
		"REPORTING_DATABSE_URL":       "misspelled",
		"REPORTING_MAX_CONCURRENT":    "0",
		"REPORTING_MAX_CONNECTIONS":   "1e3",
		"REPORTING_USER_RATE":         "-1",
		"REPORTING_LOG_USER_KEY":      "secret",
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://user:secret@collector:4318",
		"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
	}, "serve")
	if code != exitUsage {
		t.Errorf("exit code %d, want %d", code, exitUsage)
	}
	wants(t, stderr, "REPORTING_LISTEN ", "REPORTING_BASE_URL ", "REPORTING_DATABASE_URL ", "REPORTING_STATEMENT_TIMEOUT ",
		"REPORTING_MAX_BODY ", "REPORTING_FULL_URL ", "REPORTING_LOG_LEVEL ", "REPORTING_CORS_ORIGINS ", "REPORTING_AUTH_JWKS_URL",
		"key set URL", "REPORTING_MAX_CONCURRENT ", "REPORTING_MAX_CONNECTIONS ", "REPORTING_USER_RATE ", "REPORTING_LOG_USER_KEY ", "REPORTING_DATABSE_URL is not a setting",
		"OTEL_EXPORTER_OTLP_ENDPOINT must not have a user", "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf")
	if strings.Contains(stderr, "secret") {
		t.Errorf("the message holds a password:\n%s", stderr)
	}
}

//nolint:paralleltest // the environment is the process's
func TestWrongFlagDoesNotHideWrongSettings(t *testing.T) {
	code, _, stderr := call(t, map[string]string{"REPORTING_LOG_LEVEL": "loud"}, "serve", "--no-such-flag")
	if code != exitUsage {
		t.Errorf("exit code %d, want %d", code, exitUsage)
	}
	wants(t, stderr, "--no-such-flag", "REPORTING_LOG_LEVEL ", "REPORTING_DATABASE_URL is required")

	// Nor does it make valid flags count as missing.
	_, _, stderr = call(t, nil, "serve", "--database-url=postgres://h/d", "--auth", "gateway", "--lisen=:1")
	wants(t, stderr, `did you mean "--listen"`)
	if strings.Contains(stderr, "required") {
		t.Errorf("a setting that is set is reported as missing:\n%s", stderr)
	}
}

//nolint:paralleltest // the environment is the process's
func TestImpossibleCombinations(t *testing.T) {
	database := map[string]string{"REPORTING_DATABASE_URL": "postgres://h/d"}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--auth=gateway", "--auth-issuers=https://idp.example"}, "REPORTING_AUTH_ISSUERS has no meaning in gateway mode"},
		{[]string{"--auth=gateway", "--auth-audience=x"}, "REPORTING_AUTH_AUDIENCE has no meaning"},
		{[]string{"--auth-issuers=https://a.example,https://b.example", "--auth-jwks-url=https://a.example/k"}, "exactly one issuer"},
		{[]string{"--auth-issuers=,"}, "REPORTING_AUTH_ISSUERS is required"},
		{[]string{"--auth-issuers=https://a.example,https://a.example"}, "twice"},
		{[]string{"--auth-issuers=https://u:hunter2@a.example"}, "has a user or a fragment"},
		{[]string{"--auth-issuers=https://a.example", "--auth-audience= x"}, "blanks"},
		{[]string{"--auth=gateway", "--auth-trusted-peers=,"}, "at least one address range"},            // would reject every client
		{[]string{"--auth=gateway", "--auth-trusted-peers=::ffff:10.0.0.0/104"}, "IPv4 ranges as such"}, // the same
		{[]string{"--auth=gateway", "--auth-trusted-peers=0.0.0.0/1,128.0.0.0/1"}, "it contains addresses of strangers"},
		{[]string{"--auth=gateway", "--auth-trusted-peers=10.0.0.0/8,::/0"}, "it contains addresses of strangers"},
		{[]string{"--auth=gateway", "--audit-log=none"}, "REPORTING_AUDIT_LOG must be"},
		{[]string{"--auth=gateway", "--base-url=http://h/fhir?"}, "REPORTING_BASE_URL must not have a query"},
		{[]string{"--auth=gateway", "--base-url=http://:8080/fhir"}, "REPORTING_BASE_URL must be an absolute"},
		{[]string{"--auth=gateway", "--base-url=http://h/a/../fhir"}, "REPORTING_BASE_URL must have a plain path"},
		{[]string{"--auth=gateway", "--max-body=2147483647MiB"}, "REPORTING_MAX_BODY must be at most"},
		{[]string{"--auth=gateway", "--statement-timeout=10m"}, "REPORTING_STATEMENT_TIMEOUT must be at most"},
		{[]string{"--auth-issuers=https://a.example", "--auth-trusted-peers=10.0.0.0/8"}, "no meaning in verify mode"},
		{[]string{"--auth=none"}, "REPORTING_AUTH must be verify or gateway"},
		{[]string{"--auth=gateway", "--listen=:8080", "--ops-listen=:8080"}, "must not be the address of REPORTING_LISTEN"},
		{[]string{"--auth=gateway", "--auth-trusted-peers=everybody"}, "REPORTING_AUTH_TRUSTED_PEERS must list address ranges"},
	} {
		code, _, stderr := call(t, database, append([]string{"serve"}, tt.args...)...)
		if code != exitUsage {
			t.Errorf("%v: got exit code %d, want %d", tt.args, code, exitUsage)
		}
		wants(t, stderr, tt.want)
	}
}

// Kubernetes sets variables for a Service named reporting.
//
//nolint:paralleltest // the environment is the process's
func TestServiceLinksAreAccepted(t *testing.T) {
	links := map[string]string{}
	for _, name := range []string{
		"REPORTING_SERVICE_HOST", "REPORTING_SERVICE_PORT", "REPORTING_SERVICE_PORT_HTTP", "REPORTING_PORT", "REPORTING_PORT_8080_TCP",
		"REPORTING_PORT_8080_TCP_ADDR", "REPORTING_PORT_8080_TCP_PORT", "REPORTING_PORT_8080_TCP_PROTO", "REPORTING_DB_SERVICE_HOST",
		"REPORTING_DB_PORT_5432_TCP",
	} {
		links[name] = "tcp://10.0.0.1:8080"
	}
	if code, _, stderr := call(t, links, "version"); code != exitOK {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

//nolint:paralleltest // the environment is the process's
func TestDevNeedsAPort(t *testing.T) {
	code, _, stderr := call(t, nil, "dev", "--print-config", "--listen=127.0.0.1:0")
	if code != exitUsage {
		t.Errorf("exit code %d", code)
	}
	wants(t, stderr, "REPORTING_LISTEN must name a port here")
	_, stdout, _ := call(t, nil, "dev", "--print-config", "--listen=127.0.0.2:1234")
	wants(t, stdout, "REPORTING_BASE_URL=http://127.0.0.2:1234/fhir\n") // the example leads there
}

//nolint:paralleltest // the environment is the process's
func TestPrintConfigMasksSecrets(t *testing.T) {
	for _, database := range []string{
		"postgres://reader:hidden@db.example:5432/reporting?sslmode=verify-full",
		"host=db.example user=reader password=hidden dbname=reporting",
		"host=db.example user=reader password='hidden away' dbname=reporting",
		"postgres://reader@db.example/reporting?password=hidden",
	} {
		code, stdout, stderr := call(t, map[string]string{
			"REPORTING_DATABASE_URL": database, "REPORTING_AUTH_ISSUERS": "https://idp.example/realms/a, https://idp.example/realms/b",
			"REPORTING_LOG_USER_KEY": "aGlkZGVuIGhpZGRlbiBoaWRkZW4=",
		}, "serve", "--print-config", "--listen=127.0.0.1:1234")
		if code != exitOK {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		if strings.Contains(stdout, "hidden") || strings.Contains(stdout, "aGlk") {
			t.Errorf("the output holds the password:\n%s", stdout)
		}
		wants(t, stdout, "db.example", "REPORTING_LISTEN=127.0.0.1:1234\n", "REPORTING_OPS_LISTEN=:9090\n",
			"REPORTING_BASE_URL=http://localhost:8080/fhir\n", "REPORTING_STATEMENT_TIMEOUT=5s\n", "REPORTING_FULL_URL=id\n",
			"REPORTING_AUTH_ISSUERS=https://idp.example/realms/a,https://idp.example/realms/b\n", "REPORTING_LOG_FORMAT=json\n",
			"REPORTING_AUDIT_LOG=stdout\n", "REPORTING_LOG_USER_KEY=xxxxx\n")
	}
}

// --print-config shows the settings of traces, without secrets.
//
//nolint:paralleltest // the environment is the process's
func TestPrintConfigShowsTraces(t *testing.T) {
	for _, args := range [][]string{{"serve", "--database-url=postgres://h/d", "--auth=gateway"}, {"dev"}} {
		args = append(args, "--print-config")
		_, stdout, _ := call(t, nil, args...)
		wants(t, stdout, "OTEL_TRACES_EXPORTER=none\n")
		environ := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_EXPORTER_OTLP_HEADERS": "api-key=hidden"}
		code, stdout, stderr := call(t, environ, args...)
		wants(t, stdout, "OTEL_TRACES_EXPORTER=otlp\nOTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://collector:4318/v1/traces\n")
		if code != exitOK || strings.Contains(stdout+stderr, "hidden") {
			t.Errorf("%v: exit code %d\n%s%s", args, code, stdout, stderr)
		}
		environ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc"
		if code, _, stderr := call(t, environ, args...); code != exitUsage || !strings.Contains(stderr, "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf") {
			t.Errorf("%v: exit code %d\n%s", args, code, stderr)
		}
	}
}

//nolint:paralleltest // the environment is the process's
func TestTokenIsTheSeeds(t *testing.T) {
	const seed = api.SeedToken
	if code, stdout, _ := call(t, nil, "token"); code != exitOK || stdout != seed+"\n" {
		t.Errorf("%d %s", code, stdout)
	}
	if _, stdout, _ := call(t, nil, "token", "--user=u", "--roles=a,b", "--expires-in=1h"); stdout == seed+"\n" || strings.Count(stdout, ".") != 2 {
		t.Errorf("%s", stdout)
	}
}

//nolint:paralleltest // the environment is the process's
func TestSmallCommands(t *testing.T) {
	if code, stdout, _ := call(t, nil, "version"); code != exitOK || !strings.HasPrefix(stdout, "reporting ") {
		t.Errorf("version: %d %s", code, stdout)
	}
	if code, stdout, _ := call(t, nil, "--help"); code != exitOK || !strings.Contains(stdout, "migrate") {
		t.Errorf("help: %d %s", code, stdout)
	}
	if code, stdout, _ := call(t, map[string]string{"REPORTING_DATABASE_URL": "postgres://u:hidden@h/d"}, "serve", "--help"); code != exitOK || strings.Contains(stdout, "hidden") {
		t.Errorf("serve --help: %d %s", code, stdout)
	}
	if code, _, stderr := call(t, nil); code != exitUsage || stderr == "" {
		t.Errorf("no command: %d %s", code, stderr)
	}
	if code, _, stderr := call(t, nil, "healthcheck", "--ops-listen=127.0.0.1:1"); code != exitFailure || stderr == "" {
		t.Errorf("healthcheck of nothing: %d %s", code, stderr)
	}
	if code, _, stderr := call(t, map[string]string{"REPORTING_DATABASE_URL": "postgres://u:hidden@127.0.0.1:1/d"}, "migrate"); code != exitFailure || strings.Contains(stderr, "hidden") {
		t.Errorf("migrate nothing: %d %s", code, stderr)
	}
}
