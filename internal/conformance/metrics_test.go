// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/auth/authtest"
	"reporting/internal/config"
)

// scrape reads the metrics.
func (i instance) scrape(t *testing.T) string {
	t.Helper()
	return string((target{base: i.ops}).do(t, request{method: "GET", path: "/metrics"}).body)
}

// hasMetric reports whether the metrics hold a line.
func (i instance) hasMetric(t *testing.T, line string) bool {
	t.Helper()
	return strings.Contains("\n"+i.scrape(t), "\n"+line+"\n")
}

// hasCount waits until a counter reaches a value.
func (i instance) hasCount(t *testing.T, name string, least float64) {
	t.Helper()
	waitFor(t, name, func() bool {
		_, after, _ := strings.Cut("\n"+i.scrape(t), "\n"+name+" ")
		value, _, _ := strings.Cut(after, "\n")
		count, err := strconv.ParseFloat(value, 64)
		return err == nil && count >= least
	})
}

// Metrics count every response once, with labels that clients cannot choose.
func TestMetricsCountEveryResponse(t *testing.T) {
	t.Parallel()
	server := own(t, nil)
	for _, r := range []request{
		status("u"), status("u"),
		{method: "POST", path: operation},
		{method: "GET", path: "/nothing"},
		{method: "MADE-UP", path: "/nothing"},
		{method: "GET", path: "/metadata"},
		{method: "GET", path: "/OperationDefinition/x"},
	} {
		server.do(t, r)
	}
	text := server.scrape(t)
	for _, want := range []string{
		`reporting_http_requests_total{method="POST",operation="get-report-job-status",status="2xx"} 2`,
		`reporting_http_requests_total{method="POST",operation="get-report-job-status",status="4xx"} 1`,
		`reporting_http_requests_total{method="GET",operation="none",status="4xx"} 1`,
		`reporting_http_requests_total{method="other",operation="none",status="4xx"} 1`,
		`reporting_http_requests_total{method="GET",operation="metadata",status="2xx"} 1`,
		`reporting_http_requests_total{method="GET",operation="OperationDefinition-read",status="4xx"} 1`,
		`reporting_http_request_duration_seconds_count{method="POST",operation="get-report-job-status"} 3`,
		`reporting_db_pool_connections{state="in_use"} 0`,
		`reporting_db_wait_duration_seconds_count 2`,
		`reporting_db_query_duration_seconds_count 2`,
		`reporting_db_errors_total{kind="internal"} 0`,
		`reporting_ready 1`,
		`reporting_ready_check{check="database"} 1`,
		`reporting_auth_mode{mode="gateway"} 1`,
		`reporting_auth_tokens_total{result="accepted"} 2`,
		`reporting_auth_tokens_total{result="missing"} 1`,
		`reporting_build_info{commit="",version="9.8.7"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("got no %s", want)
		}
	}
	if t.Failed() {
		t.Log(regexp.MustCompile(`(?m)^reporting_(http_requests|db|build).*`).FindAllString(text, -1))
	}
}

// Metrics count the jobs of all users. Without a database they show no jobs.
func TestJobMetrics(t *testing.T) {
	t.Parallel()
	slow(t, "starts a server of its own")
	count := func(c *config.Config) { c.JobMetricsInterval = time.Nanosecond }
	server := own(t, count)
	server.load(t, doneJob("a-user", noon), doneJob("another-user", noon), queuedJob("a-user", noon))
	text := server.scrape(t)
	for _, want := range []string{
		`reporting_jobs{status="DONE"} 2`, `reporting_jobs{status="QUEUED"} 1`, `reporting_jobs{status="FAILED"} 0`,
		`reporting_jobs_oldest_age_seconds{status="QUEUED"} `,
		`reporting_jobs_measurements_total{result="ok"} `,
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("got no %s in %s", want, text)
		}
	}
	if strings.Contains(text, "a-user") {
		t.Error("the metrics hold a user id")
	}

	unavailable := own(t, func(c *config.Config) {
		count(c)
		c.DatabaseURL = unreachable
	})
	unavailable.do(t, status("u")).isUnavailable(t, models.IssueTypeTransient)
	text = unavailable.scrape(t)
	if strings.Contains(text, "\nreporting_jobs{") || strings.Contains(text, "\nreporting_jobs_oldest") {
		t.Error("got counts of jobs without a database, want none")
	}
	for _, want := range []string{
		`reporting_ready 0`, `reporting_ready_check{check="database"} 0`, `reporting_ready_check{check="keys"} 1`,
		`reporting_db_errors_total{kind="unavailable"} 1`, `reporting_db_query_duration_seconds_count 0`,
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("got no %s", want)
		}
	}
	unavailable.hasCount(t, `reporting_jobs_measurements_total{result="failed"}`, 1)
}

// The service works with the primary or the replica alone.
func TestOneOfTwoDatabasesIsEnough(t *testing.T) {
	t.Parallel()
	slow(t, "starts two databases")
	for name, c := range map[string]struct {
		change func(*config.Config)
		want   []string
	}{
		"only the primary": {
			func(c *config.Config) { c.DatabaseReplicaURL = unreachable },
			[]string{`reporting_db_replica_fresh 0`, `reporting_db_replica_reads_total{server="primary"} 1`, `reporting_ready 1`},
		},
		"only the replica": {
			func(c *config.Config) { c.DatabaseURL, c.DatabaseReplicaURL = unreachable, c.DatabaseURL },
			[]string{`reporting_db_replica_reads_total{server="replica"} 1`, `reporting_db_replica_pool_connections{state="in_use"} 0`, `reporting_ready 1`},
		},
	} {
		server := own(t, c.change)
		if a := server.do(t, status("u")); a.status != http.StatusOK {
			t.Errorf("%s: got status %d, %s", name, a.status, a.body)
		}
		text := server.scrape(t)
		for _, want := range c.want {
			if !strings.Contains(text, "\n"+want+"\n") {
				t.Errorf("%s: got no %s", name, want)
			}
		}
	}
}

// A slow count of the jobs does not delay the stop of the service.
func TestJobMetricsDoNotDelayTheStop(t *testing.T) {
	t.Parallel()
	slow(t, "waits two seconds for locks")
	server := own(t, func(c *config.Config) {
		c.JobMetricsInterval, c.StatementTimeout = time.Nanosecond, 20*time.Second
	})
	defer lockTable(t, server)()
	server.scrape(t)
	begin := time.Now()
	if err := server.stop(); err != nil || time.Since(begin) > 4*time.Second {
		t.Errorf("the stop took %v and returned %v, want at most 4 s and no error", time.Since(begin), err)
	}
}

// Metrics show the keys, and a failing key server while known keys still verify tokens.
func TestKeyMetrics(t *testing.T) {
	t.Parallel()
	slow(t, "waits for the keys")
	server, idp := verifying(t, nil)
	waitFor(t, "the keys", func() bool { return ready(t, server) })
	issuer := `issuer="` + idp.Issuer() + `"`
	good := bearer("Bearer " + idp.Token("u"))
	server.do(t, good)
	server.do(t, good)
	idp.Break(authtest.Unavailable)
	server.do(t, bearer("Bearer "+idp.Sign("RS256", authtest.Fields{"kid": "new"}, idp.Claims("u"))))
	for _, want := range []string{
		`reporting_auth_mode{mode="verify"} 1`,
		`reporting_auth_keys{` + issuer + `} 3`,
		`reporting_auth_key_refreshes_total{` + issuer + `,result="ok"} 1`,
		`reporting_auth_key_refreshes_total{` + issuer + `,result="failed"} 1`,
		`reporting_auth_token_cache_lookups_total{result="hit"} 1`,
		`reporting_auth_token_cache_lookups_total{result="miss"} 2`,
		`reporting_auth_tokens_total{result="accepted"} 2`,
		`reporting_auth_tokens_total{result="invalid"} 1`,
	} {
		if !server.hasMetric(t, want) {
			t.Errorf("got no %s", want)
		}
	}
	if !regexp.MustCompile(`(?m)^reporting_auth_keys_age_seconds\{[^}]+\} [0-9.e-]+$`).MatchString(server.scrape(t)) {
		t.Error("got no reporting_auth_keys_age_seconds")
	}
}
