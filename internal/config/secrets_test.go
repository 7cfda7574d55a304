// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"reporting/internal/config"
)

func TestSecretIsMasked(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "",
		"postgres://reader:hunter2@db.example:5432/d?sslmode=verify-full": "postgres://reader:xxxxx@db.example:5432/d?sslmode=verify-full",
		"postgres://reader@db.example/d":                                  "postgres://reader@db.example/d",
		"postgres://reader@h/d?password=hunter2":                          "postgres://reader@h/d?password=xxxxx",
		"postgres://reader@h/d?sslpassword=hunter2":                       "postgres://reader@h/d?sslpassword=xxxxx",
		"host=h user=reader password=hunter2 dbname=d":                    "host=h user=reader password=xxxxx dbname=d",
		"host=h password = 'hunter2 \\' hunter2' dbname=d":                "host=h password = xxxxx dbname=d",
		"host=h PASSWORD=hunter2\\ hunter2":                               "host=h PASSWORD=xxxxx",
		"hunter2":                                                         "xxxxx",
		"postgres://u:hunter2@h:port/d":                                   "xxxxx", // not a URL
	} {
		secret := config.Secret(text)
		if got := secret.String(); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		for _, format := range []string{"%v", "%s", "%q", "%#v", "%+v"} {
			if got := fmt.Sprintf(format, struct{ URL config.Secret }{secret}); strings.Contains(got, "hunter2") {
				t.Errorf("%s shows the password: %s", format, got)
			}
		}
	}
}

func TestKeyIsMasked(t *testing.T) {
	t.Parallel()
	if got := config.Key("").String(); got != "" {
		t.Errorf("empty key: got %q, want nothing", got)
	}
	for _, format := range []string{"%v", "%s", "%q", "%#v", "%+v"} {
		if got := fmt.Sprintf(format, struct{ Key config.Key }{"hunter2"}); strings.Contains(got, "hunter2") || !strings.Contains(got, "xxxxx") {
			t.Errorf("%s: got %s, want a mask", format, got)
		}
	}
}

func TestPrintShowsNoSecrets(t *testing.T) {
	t.Parallel()
	const database = "postgres://u:hunter2@h/d"
	set := settings{"REPORTING_AUTH": "gateway", "REPORTING_SOURCE": "https://fhir.example", "REPORTING_SOURCE_TOKEN_URL": "https://idp.example/token", "REPORTING_SOURCE_CLIENT_ID": "reporting"}
	for _, name := range []string{"REPORTING_DATABASE_URL", "REPORTING_DATABASE_REPLICA_URL", "REPORTING_WORKER_DATABASE_URL"} {
		set[name] = database
	}
	for _, name := range []string{"REPORTING_SOURCE_CLIENT_SECRET", "REPORTING_LOG_USER_KEY"} {
		set[name] = "hunter2hunter2hunter2"
	}
	c, err := set.flags(t).Serve(checks)
	wantProblem(t, err, "")
	var out bytes.Buffer
	c.Print(&out)
	fmt.Fprintf(&out, "%v %+v %#v", c, c, c)
	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("a secret is printed:\n%s", &out)
	}
	if got := printed(t, c, "REPORTING_DATABASE_URL"); got != "postgres://u:xxxxx@h/d" {
		t.Errorf("got %s, want the URL with a mask", got)
	}
	// The service itself gets the secrets.
	if string(c.DatabaseURL) != database || string(c.LogUserKey) != "hunter2hunter2hunter2" {
		t.Error("a conversion to string does not return the secret")
	}
}

// A secret in the wrong variable is not repeated in the message.
func TestProblemsShowNoValues(t *testing.T) {
	t.Parallel()
	set := settings{}
	for _, name := range config.Names() {
		set[name] = "hunter2"
	}
	_, err := set.flags(t).Serve(checks)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v, want problems without values", err)
	}
}

func TestCheckEnvironment(t *testing.T) {
	t.Parallel()
	accepted := []string{
		"PATH=/bin", "REPORTINGX=1", "REPORTING_CONFORMANCE_URL=http://h/fhir",
		// Kubernetes sets these for Services named reporting and reporting-db.
		"REPORTING_SERVICE_HOST=10.0.0.1", "REPORTING_SERVICE_PORT=80", "REPORTING_SERVICE_PORT_HTTP=80", "REPORTING_PORT=tcp://10.0.0.1:80",
		"REPORTING_PORT_80_TCP=tcp://10.0.0.1:80", "REPORTING_PORT_80_TCP_PROTO=tcp", "REPORTING_PORT_80_TCP_PORT=80", "REPORTING_PORT_80_TCP_ADDR=10.0.0.1",
		"REPORTING_DB_SERVICE_HOST=10.0.0.2",
	}
	for _, name := range config.Names() {
		accepted = append(accepted, name+"=hunter2")
	}
	wantProblem(t, config.CheckEnvironment(accepted), "")
	for _, name := range []string{"REPORTING_LITSEN", "REPORTING_", "REPORTING_listen", "REPORTING_PORTS", "REPORTING_SERVICE", "REPORTING_ATTEMPTS"} {
		err := config.CheckEnvironment(append(slices.Clone(accepted), name+"=hunter2"))
		wantProblem(t, err, name+" is not a setting: remove it, or correct its name")
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the message holds the value: %v", name, err)
		}
	}
}
