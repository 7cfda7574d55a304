// SPDX-License-Identifier: Apache-2.0

package config

import (
	"log/slog"
	"net/netip"
	"net/url"
	"time"
)

// AuthMode says where the signatures of tokens are verified.
type AuthMode string

// The modes of authentication.
const (
	Verify  AuthMode = "verify"  // in this service
	Gateway AuthMode = "gateway" // in a gateway in front of it
)

// Config is a validated set of settings. Durations and sizes are above zero, except
// ShutdownDelay and JobMetricsInterval, which may be zero.
type Config struct {
	Listen             string // host:port
	OpsListen          string // host:port
	BaseURL            *url.URL
	AbsoluteFullURL    bool
	MaxBody            int64 // bytes
	MaxConnections     int   // of the API listener
	MaxConcurrent      int   // requests in progress at a time
	UserRate           int   // requests of one user in a second; 0: no limit
	CORSOrigins        []string
	ShutdownDelay      time.Duration
	ShutdownGrace      time.Duration
	DatabaseURL        Secret
	DatabaseReplicaURL Secret // empty: none
	StatementTimeout   time.Duration
	JobMetricsInterval time.Duration // between two counts of jobs; 0: never
	Auth               AuthMode
	AuthIssuers        []string
	AuthJWKSURL        string
	AuthAudience       string
	AuthTrustedPeers   []netip.Prefix
	LogLevel           slog.Level
	LogFormat          string // json or text
	AuditLog           string // AuditStdout, AuditStderr, AuditOff, or the path of a file
	LogUserKey         Key    // empty: a random one
	Reports            Reports
}

// The values of AuditLog that do not name a file.
const (
	AuditStdout = "stdout"
	AuditStderr = "stderr"
	AuditOff    = "off"
)

// Limits of settings.
const (
	maxStatementTimeout = 20 * time.Second
	maxMaxBody          = 64 << 20
	maxRequests         = 1_000_000
	minUserKey          = 16 // bytes; a shorter key can be guessed
)

// devSource is the default source of "reporting dev": a report on it takes long enough
// to see its job RUNNING.
const devSource = "synthetic:2000000"

// Defaults that are not in the tags of Flags, because an empty value differs from
// them in some modes.
const (
	defaultBaseURL      = "http://localhost:8080/fhir"
	defaultTrustedPeers = "127.0.0.0/8,::1/128"
)

// Checks validate settings that other packages interpret. Their errors complete a
// sentence that begins with the name of the setting, as in "REPORTING_DATABASE_URL is".
type Checks struct {
	DatabaseURL func(url string) error
	Verifier    func(issuers []string, jwksURL, audience string) error
}

// Serve validates the settings of "reporting serve". The error lists all problems.
func (f Flags) Serve(checks Checks) (Config, error) {
	var p problems
	c := f.common(&p)
	f.Database.check(&c, &p, checks)
	f.Replica.check(&c, &p, checks)
	f.workers(&c, &p, checks)
	f.authentication(&c, &p, checks)
	return c, p.err()
}

// Worker validates the settings of "reporting worker", which has no API.
func (f Flags) Worker(checks Checks) (Config, error) {
	var p problems
	c := f.common(&p)
	if f.DatabaseURL == "" && f.WorkerDatabaseURL != "" {
		f.DatabaseURL = f.WorkerDatabaseURL // a worker needs no other connection
	}
	f.Database.check(&c, &p, checks)
	f.workers(&c, &p, checks)
	if f.Source.Source == "" {
		p.add("REPORTING_SOURCE", "is required: set it to the source of report data, as in https://fhir.example/r4")
	}
	if c.Reports.Workers == 0 {
		p.add("REPORTING_WORKERS", "must be above zero here: \"reporting worker\" only makes reports")
	}
	return c, p.err()
}

// Dev validates the settings of "reporting dev", which starts its own database and
// accepts unsigned tokens from this machine.
func (f Flags) Dev() (Config, error) {
	var p problems
	f.LogFormat = orDefault(f.LogFormat, "text") // a person reads it
	f.AuditLog = orDefault(f.AuditLog, AuditOff) // stdout shows example requests
	f.Source.Source = orDefault(f.Source.Source, devSource)
	c := f.common(&p)
	c.Auth = Gateway
	c.AuthTrustedPeers = p.prefixes("REPORTING_AUTH_TRUSTED_PEERS", defaultTrustedPeers)
	if f.BaseURL == "" && c.BaseURL != nil {
		// Links in responses lead to the address in use.
		c.BaseURL.Host = Reachable(c.Listen)
		if ephemeral(c.Listen) {
			p.add("REPORTING_LISTEN", "must name a port here, because links and examples contain it")
		}
	}
	return c, p.err()
}

// Migrate validates the settings of "reporting migrate".
func Migrate(database Database, logging Logging, checks Checks) (Config, error) {
	var p problems
	var c Config
	database.check(&c, &p, checks)
	logging.check(&c, &p)
	return c, p.err()
}

// Healthcheck validates the settings of "reporting healthcheck".
func Healthcheck(http HTTP) (Config, error) {
	var p problems
	return Config{OpsListen: p.listen("REPORTING_OPS_LISTEN", http.OpsListen)}, p.err()
}

func (f Flags) common(p *problems) Config {
	c := Config{
		Listen:          p.listen("REPORTING_LISTEN", f.Listen),
		OpsListen:       p.listen("REPORTING_OPS_LISTEN", f.OpsListen),
		BaseURL:         p.base("REPORTING_BASE_URL", f.BaseURL),
		AbsoluteFullURL: p.oneOf("REPORTING_FULL_URL", f.FullURL, "id", "absolute") == "absolute",
		MaxBody:         p.size("REPORTING_MAX_BODY", f.MaxBody),
		MaxConnections:  p.number("REPORTING_MAX_CONNECTIONS", f.MaxConnections, 32, maxRequests),
		MaxConcurrent:   p.number("REPORTING_MAX_CONCURRENT", f.MaxConcurrent, 1, maxRequests),
		UserRate:        p.number("REPORTING_USER_RATE", f.UserRate, 0, maxRequests),
		CORSOrigins:     p.origins("REPORTING_CORS_ORIGINS", f.CORSOrigins),
		ShutdownDelay:   p.durationOrZero("REPORTING_SHUTDOWN_DELAY", f.ShutdownDelay),
		ShutdownGrace:   p.duration("REPORTING_SHUTDOWN_GRACE", f.ShutdownGrace),
	}
	c.StatementTimeout = p.duration("REPORTING_STATEMENT_TIMEOUT", f.StatementTimeout)
	if c.StatementTimeout > maxStatementTimeout {
		p.add("REPORTING_STATEMENT_TIMEOUT", "must be at most "+maxStatementTimeout.String()+": clients stop waiting then")
	}
	c.JobMetricsInterval = p.durationOrZero("REPORTING_JOB_METRICS_INTERVAL", f.JobMetricsInterval)
	if c.MaxBody > maxMaxBody {
		p.add("REPORTING_MAX_BODY", "must be at most 64MiB: a body is held in memory")
	}
	if c.Listen != "" && c.Listen == c.OpsListen && !ephemeral(c.Listen) {
		p.add("REPORTING_OPS_LISTEN", "must not be the address of REPORTING_LISTEN: clients must not reach the operations listener")
	}
	f.reports(&c, p)
	f.Logging.check(&c, p)
	c.AuditLog = p.auditLog("REPORTING_AUDIT_LOG", orDefault(f.AuditLog, AuditStdout))
	c.LogUserKey = Key(f.LogUserKey)
	if f.LogUserKey != "" && len(f.LogUserKey) < minUserKey {
		p.add("REPORTING_LOG_USER_KEY", "must have at least 16 characters; use a random value, as from \"openssl rand -base64 32\"")
	}
	return c
}

func (l Logging) check(c *Config, p *problems) {
	if err := c.LogLevel.UnmarshalText([]byte(l.LogLevel)); err != nil {
		p.add("REPORTING_LOG_LEVEL", "must be debug, info, warn or error")
	}
	c.LogFormat = p.oneOf("REPORTING_LOG_FORMAT", orDefault(l.LogFormat, "json"), "json", "text")
}

func (f Flags) authentication(c *Config, p *problems, checks Checks) {
	c.Auth = AuthMode(p.oneOf("REPORTING_AUTH", f.Auth.Auth, "verify", "gateway"))
	c.AuthIssuers = split(f.AuthIssuers)
	c.AuthJWKSURL, c.AuthAudience = f.AuthJWKSURL, f.AuthAudience
	switch c.Auth {
	case Verify:
		if len(c.AuthIssuers) == 0 {
			p.add("REPORTING_AUTH_ISSUERS", "is required in verify mode: list the issuers whose tokens are accepted, as in https://idp.example/realms/main "+
				"(to try the service without an identity provider, use \"reporting dev\")")
		} else if err := checks.Verifier(c.AuthIssuers, c.AuthJWKSURL, c.AuthAudience); err != nil {
			p.add("REPORTING_AUTH_ISSUERS, REPORTING_AUTH_JWKS_URL, REPORTING_AUTH_AUDIENCE:", err.Error())
		}
		if f.AuthTrustedPeers != "" {
			p.add("REPORTING_AUTH_TRUSTED_PEERS", "has no meaning in verify mode; remove it, or set REPORTING_AUTH=gateway")
		}
	case Gateway:
		c.AuthTrustedPeers = p.prefixes("REPORTING_AUTH_TRUSTED_PEERS", orDefault(f.AuthTrustedPeers, defaultTrustedPeers))
		for name, value := range map[string]string{
			"REPORTING_AUTH_ISSUERS": f.AuthIssuers, "REPORTING_AUTH_JWKS_URL": f.AuthJWKSURL, "REPORTING_AUTH_AUDIENCE": f.AuthAudience,
		} {
			if value != "" {
				p.add(name, "has no meaning in gateway mode, which verifies no signatures; remove it, or set REPORTING_AUTH=verify")
			}
		}
	}
}

func (d Database) check(c *Config, p *problems, checks Checks) {
	c.DatabaseURL = Secret(d.DatabaseURL)
	if d.DatabaseURL == "" {
		p.add("REPORTING_DATABASE_URL", "is required, as in postgres://user:password@host:5432/database "+
			"(to try the service without a database of your own, use \"reporting dev\")")
		return
	}
	if err := checks.DatabaseURL(d.DatabaseURL); err != nil {
		p.add("REPORTING_DATABASE_URL", "is "+err.Error())
	}
}

func (r Replica) check(c *Config, p *problems, checks Checks) {
	c.DatabaseReplicaURL = Secret(r.DatabaseReplicaURL)
	if r.DatabaseReplicaURL == "" {
		return
	}
	if err := checks.DatabaseURL(r.DatabaseReplicaURL); err != nil {
		p.add("REPORTING_DATABASE_REPLICA_URL", "is "+err.Error())
	}
}

func orDefault(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
