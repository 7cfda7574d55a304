// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"reporting/internal/config"
)

func TestCombinations(t *testing.T) {
	t.Parallel()
	withSource := gateway().with("REPORTING_SOURCE", "https://fhir.example")
	credentials := withSource.with("REPORTING_SOURCE_TOKEN_URL", "https://idp.example/token").
		with("REPORTING_SOURCE_CLIENT_ID", "reporting").with("REPORTING_SOURCE_CLIENT_SECRET", "hunter2").with("REPORTING_SOURCE_SCOPES", "a, b")
	const together = "REPORTING_SOURCE_TOKEN_URL, REPORTING_SOURCE_CLIENT_ID, REPORTING_SOURCE_CLIENT_SECRET must be set together, or not at all"
	for name, tt := range map[string]struct {
		set  settings
		want string // the only problem; empty: none
	}{
		"verify mode":                    {verify(), ""},
		"gateway mode":                   {gateway(), ""},
		"no database":                    {gateway().with("REPORTING_DATABASE_URL", ""), "REPORTING_DATABASE_URL is required, as in postgres://"},
		"another database":               {gateway().with("REPORTING_DATABASE_URL", "mysql://h/d"), "REPORTING_DATABASE_URL is not a Postgres connection string"},
		"verify without issuers":         {verify().with("REPORTING_AUTH_ISSUERS", ","), "REPORTING_AUTH_ISSUERS is required in verify mode: list the issuers"},
		"verify with an invalid issuer":  {verify().with("REPORTING_AUTH_ISSUERS", "http://idp.example"), "REPORTING_AUTH_ISSUERS, REPORTING_AUTH_JWKS_URL, REPORTING_AUTH_AUDIENCE: an issuer is not an https URL"},
		"verify with a key set":          {verify().with("REPORTING_AUTH_JWKS_URL", "https://idp.example/keys").with("REPORTING_AUTH_AUDIENCE", "reporting"), ""},
		"verify with trusted peers":      {verify().with("REPORTING_AUTH_TRUSTED_PEERS", "10.0.0.0/8"), "REPORTING_AUTH_TRUSTED_PEERS has no meaning in verify mode; remove it, or set REPORTING_AUTH=gateway"},
		"gateway with issuers":           {gateway().with("REPORTING_AUTH_ISSUERS", "https://idp.example"), "REPORTING_AUTH_ISSUERS has no meaning in gateway mode"},
		"gateway with a key set":         {gateway().with("REPORTING_AUTH_JWKS_URL", "https://idp.example/keys"), "REPORTING_AUTH_JWKS_URL has no meaning in gateway mode"},
		"gateway with an audience":       {gateway().with("REPORTING_AUTH_AUDIENCE", "reporting"), "REPORTING_AUTH_AUDIENCE has no meaning in gateway mode"},
		"one address for both listeners": {gateway().with("REPORTING_LISTEN", ":80").with("REPORTING_OPS_LISTEN", ":80"), "REPORTING_OPS_LISTEN must not be the address of REPORTING_LISTEN"},
		"two ephemeral ports":            {gateway().with("REPORTING_LISTEN", ":0").with("REPORTING_OPS_LISTEN", ":0"), ""},
		"credentials":                    {credentials, ""},
		"no client id":                   {credentials.with("REPORTING_SOURCE_CLIENT_ID", ""), together},
		"no client secret":               {credentials.with("REPORTING_SOURCE_CLIENT_SECRET", ""), together},
		"no token endpoint":              {credentials.with("REPORTING_SOURCE_TOKEN_URL", ""), together},
		"a relative token endpoint":      {credentials.with("REPORTING_SOURCE_TOKEN_URL", "idp.example/token"), "REPORTING_SOURCE_TOKEN_URL must be an absolute http or https URL"},
		"a token endpoint with a user":   {credentials.with("REPORTING_SOURCE_TOKEN_URL", "https://u:hunter2@idp.example"), "REPORTING_SOURCE_TOKEN_URL must not have a user"},
		"credentials for a folder":       {credentials.with("REPORTING_SOURCE", "/var/export"), "REPORTING_SOURCE_TOKEN_URL has a meaning only where REPORTING_SOURCE is a FHIR server"},
		"credentials for no source":      {credentials.with("REPORTING_SOURCE", ""), "REPORTING_SOURCE_TOKEN_URL has a meaning only where REPORTING_SOURCE is a FHIR server"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tt.set.flags(t).Serve(checks)
			wantProblem(t, err, tt.want)
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the message holds a password: %v", err)
			}
		})
	}
	c, err := credentials.flags(t).Serve(checks)
	wantProblem(t, err, "")
	s := c.Reports.Source
	if s.Kind != config.FHIRServer || s.ClientID != "reporting" || string(s.ClientSecret) != "hunter2" || !slices.Equal(s.Scopes, []string{"a", "b"}) || !c.Reports.On() {
		t.Errorf("got source %+v", s)
	}
}

// The doctor continues with invalid settings, so an invalid source must be safe to use.
func TestInvalidSourceIsNoSource(t *testing.T) {
	t.Parallel()
	c, err := gateway().with("REPORTING_SOURCE", "https://").flags(t).Serve(checks)
	wantProblem(t, err, "REPORTING_SOURCE must be an absolute")
	if got := c.Reports.Source.String(); c.Reports.On() || got != "" {
		t.Errorf("got source %q, want none", got)
	}
}

// One run reports the problems of all settings.
func TestAllProblemsAreReportedTogether(t *testing.T) {
	t.Parallel()
	_, err := settings{"REPORTING_LISTEN": "8080", "REPORTING_MAX_BODY": "many", "REPORTING_WORKERS": "two"}.flags(t).Serve(checks)
	got := problemsOf(t, err)
	if len(got) != 5 || !slices.IsSorted(got) {
		t.Fatalf("got %q, want five problems, sorted", got)
	}
	for _, name := range []string{"REPORTING_LISTEN", "REPORTING_MAX_BODY", "REPORTING_WORKERS", "REPORTING_DATABASE_URL", "REPORTING_AUTH_ISSUERS"} {
		if !slices.ContainsFunc(got, func(p string) bool { return strings.HasPrefix(p, name+" ") }) {
			t.Errorf("%s is missing in %q", name, got)
		}
	}
}

func TestWorker(t *testing.T) {
	t.Parallel()
	worker := settings{"REPORTING_SOURCE": "/var/export", "REPORTING_WORKER_DATABASE_URL": "postgres://h/w"}
	for name, tt := range map[string]struct {
		set  settings
		want string
	}{
		"needs no authentication":  {worker, ""},
		"a database for all":       {settings{"REPORTING_SOURCE": "/var/export", "REPORTING_DATABASE_URL": "postgres://h/d"}, ""},
		"no database":              {settings{"REPORTING_SOURCE": "/var/export"}, "REPORTING_DATABASE_URL is required"},
		"no source":                {worker.with("REPORTING_SOURCE", ""), "REPORTING_SOURCE is required: set it to the source of report data"},
		"an invalid source":        {worker.with("REPORTING_SOURCE", "export"), "REPORTING_SOURCE must be"},
		"a source without a host":  {worker.with("REPORTING_SOURCE", "https://"), "REPORTING_SOURCE must be an absolute"},
		"no workers":               {worker.with("REPORTING_WORKERS", "0"), "REPORTING_WORKERS must be above zero here"},
		"an invalid setting":       {worker.with("REPORTING_MAX_ATTEMPTS", "0"), "REPORTING_MAX_ATTEMPTS must be"},
		"the settings of the API":  {worker.with("REPORTING_AUTH_ISSUERS", "https://idp.example").with("REPORTING_USER_RATE", "1"), ""},
		"an invalid worker's URL":  {worker.with("REPORTING_DATABASE_URL", "postgres://h/d").with("REPORTING_WORKER_DATABASE_URL", "mysql://h/w"), "REPORTING_WORKER_DATABASE_URL is not"},
		"an invalid public base":   {worker.with("REPORTING_BASE_URL", "x"), "REPORTING_BASE_URL must be an absolute"},
		"a token endpoint, no key": {worker.with("REPORTING_SOURCE", "https://h").with("REPORTING_SOURCE_TOKEN_URL", "https://h/t"), "REPORTING_SOURCE_TOKEN_URL, "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tt.set.flags(t).Worker(checks)
			wantProblem(t, err, tt.want)
		})
	}
	c, err := worker.flags(t).Worker(checks)
	wantProblem(t, err, "")
	if string(c.DatabaseURL) != "postgres://h/w" || string(c.Reports.WorkerDatabaseURL) != "postgres://h/w" {
		t.Errorf("got databases %q and %q, want the worker's for both", string(c.DatabaseURL), string(c.Reports.WorkerDatabaseURL))
	}
}

func TestDev(t *testing.T) {
	t.Parallel()
	c, err := settings{}.flags(t).Dev()
	wantProblem(t, err, "")
	for name, want := range map[string]string{
		"REPORTING_AUTH": "gateway", "REPORTING_AUTH_TRUSTED_PEERS": "127.0.0.0/8,::1/128", "REPORTING_LOG_FORMAT": "text", "REPORTING_AUDIT_LOG": "off",
		"REPORTING_SOURCE": "synthetic:2000000", "REPORTING_BASE_URL": "http://localhost:8080/fhir", "REPORTING_DATABASE_URL": "",
	} {
		if got := printed(t, c, name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	for name, tt := range map[string]struct {
		set        settings
		base, want string // the base URL, or the only problem
	}{
		"another address":       {settings{"REPORTING_LISTEN": "127.0.0.2:1234"}, "http://127.0.0.2:1234/fhir", ""},
		"all addresses":         {settings{"REPORTING_LISTEN": "0.0.0.0:1234"}, "http://localhost:1234/fhir", ""},
		"an ephemeral port":     {settings{"REPORTING_LISTEN": "127.0.0.1:0"}, "", "REPORTING_LISTEN must name a port here"},
		"a public base":         {settings{"REPORTING_LISTEN": ":0", "REPORTING_BASE_URL": "https://r.example/x"}, "https://r.example/x", ""},
		"an invalid base":       {settings{"REPORTING_BASE_URL": "x"}, "", "REPORTING_BASE_URL must be an absolute"},
		"other formats":         {settings{"REPORTING_LOG_FORMAT": "json", "REPORTING_AUDIT_LOG": "stderr", "REPORTING_SOURCE": "/export"}, "http://localhost:8080/fhir", ""},
		"database is ignored":   {settings{"REPORTING_DATABASE_URL": "mysql://h/d"}, "http://localhost:8080/fhir", ""},
		"issuers are ignored":   {settings{"REPORTING_AUTH_ISSUERS": "x"}, "http://localhost:8080/fhir", ""},
		"workers are validated": {settings{"REPORTING_WORKERS": "-1"}, "", "REPORTING_WORKERS must be"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := tt.set.flags(t).Dev()
			wantProblem(t, err, tt.want)
			if err == nil && c.BaseURL.String() != tt.base {
				t.Errorf("got base URL %s, want %s", c.BaseURL, tt.base)
			}
		})
	}
}

func TestMigrateAndHealthcheck(t *testing.T) {
	t.Parallel()
	f := gateway().flags(t)
	c, err := config.Migrate(f.Database, f.Logging, checks)
	wantProblem(t, err, "")
	if c.LogFormat != "json" || string(c.DatabaseURL) != "postgres://h/d" {
		t.Errorf("migrate: got %+v", c)
	}
	_, err = config.Migrate(config.Database{}, f.Logging, checks)
	wantProblem(t, err, "REPORTING_DATABASE_URL is required")
	_, err = config.Migrate(f.Database, config.Logging{LogLevel: "loud"}, checks)
	wantProblem(t, err, "REPORTING_LOG_LEVEL must be")
	c, err = config.Healthcheck(f.HTTP)
	wantProblem(t, err, "")
	if c.OpsListen != ":9090" {
		t.Errorf("healthcheck: got operations address %q, want :9090", c.OpsListen)
	}
	_, err = config.Healthcheck(config.HTTP{OpsListen: "9090"})
	wantProblem(t, err, "REPORTING_OPS_LISTEN must be an address")
}

func TestJoin(t *testing.T) {
	t.Parallel()
	if err := config.Join(nil, nil); err != nil {
		t.Errorf("got %v, want nil", err)
	}
	_, invalid := settings{"REPORTING_AUTH": "gateway"}.flags(t).Serve(checks)
	err := config.Join(nil, invalid, errors.New("an unknown flag"), config.CheckEnvironment([]string{"REPORTING_LITSEN=:80"}))
	got := problemsOf(t, err)
	if len(got) != 3 || !strings.HasPrefix(got[0], "REPORTING_DATABASE_URL ") || !strings.HasPrefix(got[1], "REPORTING_LITSEN ") || got[2] != "an unknown flag" {
		t.Errorf("got %q", got)
	}
	if want := "the configuration is not valid:\n  - REPORTING_DATABASE_URL is required"; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %q, want it to begin with %q", err, want)
	}
}

func TestReachable(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]string{
		":80": "localhost:80", "0.0.0.0:80": "localhost:80", "[::]:80": "localhost:80", "127.0.0.1:80": "localhost:80",
		"127.0.0.2:80": "127.0.0.2:80", "[::1]:80": "[::1]:80", "host.example:80": "host.example:80",
	} {
		if got := config.Reachable(listen); got != want {
			t.Errorf("Reachable(%q): got %q, want %q", listen, got, want)
		}
	}
}
