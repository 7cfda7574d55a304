// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Secret is text that may hold a password. It prints masked; only a conversion
// to string shows it.
type Secret string

var keywordPassword = regexp.MustCompile(`(?i)(password\s*=\s*)('(?:[^'\\]|\\.)*'|(?:[^\s\\]|\\.)+)`)

const mask = "xxxxx"

// String returns the text with passwords masked, in a URL or in key=value form.
// What it cannot read it hides altogether.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	if u, err := url.Parse(string(s)); err == nil && u.Scheme != "" {
		query := u.Query()
		for name := range query {
			if strings.Contains(strings.ToLower(name), "password") {
				query.Set(name, mask)
			}
		}
		u.RawQuery = query.Encode()
		return u.Redacted()
	}
	if strings.Contains(string(s), "=") && !strings.Contains(string(s), "://") {
		return keywordPassword.ReplaceAllString(string(s), "${1}"+mask)
	}
	return mask
}

// GoString keeps %#v from showing the secret.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// Key is text that is secret as a whole.
type Key string

// String hides it.
func (k Key) String() string {
	if k == "" {
		return ""
	}
	return mask
}

// GoString keeps %#v from showing the key.
func (k Key) GoString() string { return strconv.Quote(k.String()) }

// Print writes the effective settings as NAME=value lines, secrets masked.
func (c Config) Print(w io.Writer) {
	fullURL := "id"
	if c.AbsoluteFullURL {
		fullURL = "absolute"
	}
	peers := make([]string, 0, len(c.AuthTrustedPeers))
	for _, prefix := range c.AuthTrustedPeers {
		peers = append(peers, prefix.String())
	}
	for _, setting := range []struct {
		name  string
		value any
	}{
		{"LISTEN", c.Listen},
		{"OPS_LISTEN", c.OpsListen},
		{"BASE_URL", c.BaseURL},
		{"DATABASE_URL", c.DatabaseURL},
		{"DATABASE_REPLICA_URL", c.DatabaseReplicaURL},
		{"STATEMENT_TIMEOUT", c.StatementTimeout},
		{"JOB_METRICS_INTERVAL", c.JobMetricsInterval},
		{"SOURCE", c.Reports.Source},
		{"SOURCE_TOKEN_URL", c.Reports.Source.TokenURL},
		{"SOURCE_CLIENT_ID", c.Reports.Source.ClientID},
		{"SOURCE_CLIENT_SECRET", c.Reports.Source.ClientSecret},
		{"SOURCE_SCOPES", strings.Join(c.Reports.Source.Scopes, ",")},
		{"TIME_ZONE", c.Reports.Zone},
		{"NIGHTLY_AT", fmt.Sprintf("%02d:%02d", c.Reports.NightHour, c.Reports.NightMinute)},
		{"ATTEMPT_TIMEOUT", c.Reports.Timeout},
		{"MAX_ATTEMPTS", c.Reports.MaxAttempts},
		{"FETCH_TIMEOUT", c.Reports.FetchTimeout},
		{"FETCH_CONCURRENT", c.Reports.FetchConcurrent},
		{"WORKERS", c.Reports.Workers},
		{"WORKER_DATABASE_URL", c.Reports.WorkerDatabaseURL},
		{"RETENTION_DAYS", int(c.Reports.Retain / day)},
		{"AUTH", c.Auth},
		{"AUTH_ISSUERS", strings.Join(c.AuthIssuers, ",")},
		{"AUTH_JWKS_URL", c.AuthJWKSURL},
		{"AUTH_AUDIENCE", c.AuthAudience},
		{"AUTH_TRUSTED_PEERS", strings.Join(peers, ",")},
		{"FULL_URL", fullURL},
		{"MAX_BODY", c.MaxBody},
		{"MAX_CONNECTIONS", c.MaxConnections},
		{"MAX_CONCURRENT", c.MaxConcurrent},
		{"USER_RATE", c.UserRate},
		{"CORS_ORIGINS", strings.Join(c.CORSOrigins, ",")},
		{"SHUTDOWN_DELAY", c.ShutdownDelay},
		{"SHUTDOWN_GRACE", c.ShutdownGrace},
		{"LOG_LEVEL", strings.ToLower(c.LogLevel.String())},
		{"LOG_FORMAT", c.LogFormat},
		{"AUDIT_LOG", c.AuditLog},
		{"LOG_USER_KEY", c.LogUserKey},
	} {
		_, _ = fmt.Fprintf(w, "REPORTING_%s=%v\n", setting.name, setting.value)
	}
}
