// SPDX-License-Identifier: Apache-2.0

package config

import (
	"log/slog"
	"net/netip"
	"net/url"
	"time"
)

// AuthMode says who checks the signatures of tokens.
type AuthMode string

// The modes of authentication.
const (
	Verify  AuthMode = "verify"  // this service
	Gateway AuthMode = "gateway" // something in front of it
)

// Config is a checked set of settings. Durations and sizes are above zero, but
// for ShutdownDelay and JobMetricsInterval, which may be zero.
type Config struct {
	Listen             string // host:port
	OpsListen          string // host:port
	BaseURL            *url.URL
	AbsoluteFullURL    bool
	MaxBody            int64 // bytes
	MaxConnections     int   // of the API listener
	MaxConcurrent      int   // calls at a time
	UserRate           int   // calls of a user in a second; 0: any number
	CORSOrigins        []string
	ShutdownDelay      time.Duration
	ShutdownGrace      time.Duration
	DatabaseURL        Secret
	DatabaseReplicaURL Secret // empty: none
	StatementTimeout   time.Duration
	JobMetricsInterval time.Duration // 0: jobs are not counted
	Auth               AuthMode
	AuthIssuers        []string
	AuthJWKSURL        string
	AuthAudience       string
	AuthTrustedPeers   []netip.Prefix
	LogLevel           slog.Level
	LogFormat          string // json or text
	AuditLog           string // AuditStdout, AuditStderr, AuditOff, or a file's path
	LogUserKey         Key    // empty: one that is made up
	Reports            Reports
}

// The values of AuditLog that are no file.
const (
	AuditStdout = "stdout"
	AuditStderr = "stderr"
	AuditOff    = "off"
)

// The defaults that are not in the flags' tags, because "not set" has to be
// told apart from them.
const (
	maxStatementTimeout = 20 * time.Second
	maxMaxBody          = 64 << 20
	maxCalls            = 1_000_000
	minUserKey          = 16 // bytes; shorter ones can be tried
)

// devSource is what "reporting dev" reports on, unless it is told: as many as take a
// moment to count.
const devSource = "synthetic:2000000"

const (
	defaultBaseURL      = "http://localhost:8080/fhir"
	defaultTrustedPeers = "127.0.0.0/8,::1/128"
)

// Checks tell what is wrong with settings whose meaning is known elsewhere. Their
// errors complete a sentence that begins with the setting's name.
type Checks struct {
	DatabaseURL func(url string) error
	Verifier    func(issuers []string, jwksURL, audience string) error
}

// Serve checks the settings of "reporting serve". The error holds everything
// that is wrong.
func (f Flags) Serve(checks Checks) (Config, error) {
	var p problems
	c := f.common(&p)
	f.Database.check(&c, &p, checks)
	f.Replica.check(&c, &p, checks)
	f.workers(&c, &p, checks)
	f.authentication(&c, &p, checks)
	return c, p.err()
}

// Worker checks the settings of "reporting worker", which serves nobody.
func (f Flags) Worker(checks Checks) (Config, error) {
	var p problems
	c := f.common(&p)
	if f.DatabaseURL == "" && f.WorkerDatabaseURL != "" {
		f.DatabaseURL = f.WorkerDatabaseURL // nothing else is needed
	}
	f.Database.check(&c, &p, checks)
	f.workers(&c, &p, checks)
	if !c.Reports.On() {
		p.add("REPORTING_SOURCE", "is required: what are reports to be made of?")
	}
	if c.Reports.Workers == 0 {
		p.add("REPORTING_WORKERS", "must be above zero here: this process does nothing else")
	}
	return c, p.err()
}

// Dev checks the settings of "reporting dev", which brings its own database and
// believes unsigned tokens from this machine.
func (f Flags) Dev() (Config, error) {
	var p problems
	f.LogFormat = orDefault(f.LogFormat, "text") // read by a person
	f.AuditLog = orDefault(f.AuditLog, AuditOff) // the invitation to try it is what a person wants to see
	f.Source.Source = orDefault(f.Source.Source, devSource)
	c := f.common(&p)
	c.Auth = Gateway
	c.AuthTrustedPeers = p.prefixes("REPORTING_AUTH_TRUSTED_PEERS", defaultTrustedPeers)
	if f.BaseURL == "" && c.BaseURL != nil {
		// The links of the answers lead to where it really listens.
		c.BaseURL.Host = Reachable(c.Listen)
		if ephemeral(c.Listen) {
			p.add("REPORTING_LISTEN", "must name a port here, because links and examples do")
		}
	}
	return c, p.err()
}

// Migrate checks the settings of "reporting migrate".
func Migrate(database Database, logging Logging, checks Checks) (Config, error) {
	var p problems
	var c Config
	database.check(&c, &p, checks)
	logging.check(&c, &p)
	return c, p.err()
}

// Healthcheck checks the settings of "reporting healthcheck".
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
		MaxConnections:  p.number("REPORTING_MAX_CONNECTIONS", f.MaxConnections, 32, maxCalls),
		MaxConcurrent:   p.number("REPORTING_MAX_CONCURRENT", f.MaxConcurrent, 1, maxCalls),
		UserRate:        p.number("REPORTING_USER_RATE", f.UserRate, 0, maxCalls),
		CORSOrigins:     p.origins("REPORTING_CORS_ORIGINS", f.CORSOrigins),
		ShutdownDelay:   p.durationOrZero("REPORTING_SHUTDOWN_DELAY", f.ShutdownDelay),
		ShutdownGrace:   p.duration("REPORTING_SHUTDOWN_GRACE", f.ShutdownGrace),
	}
	c.StatementTimeout = p.duration("REPORTING_STATEMENT_TIMEOUT", f.StatementTimeout)
	if c.StatementTimeout > maxStatementTimeout {
		p.add("REPORTING_STATEMENT_TIMEOUT", "must be at most "+maxStatementTimeout.String()+": clients do not wait longer")
	}
	c.JobMetricsInterval = p.durationOrZero("REPORTING_JOB_METRICS_INTERVAL", f.JobMetricsInterval)
	if c.MaxBody > maxMaxBody {
		p.add("REPORTING_MAX_BODY", "must be at most 64MiB: a body is held in memory")
	}
	if c.Listen != "" && c.Listen == c.OpsListen && !ephemeral(c.Listen) {
		p.add("REPORTING_OPS_LISTEN", "must not be the address of REPORTING_LISTEN: what is served there is not for clients")
	}
	f.reports(&c, p)
	f.Logging.check(&c, p)
	c.AuditLog = p.auditLog("REPORTING_AUDIT_LOG", orDefault(f.AuditLog, AuditStdout))
	c.LogUserKey = Key(f.LogUserKey)
	if f.LogUserKey != "" && len(f.LogUserKey) < minUserKey {
		p.add("REPORTING_LOG_USER_KEY", "must have at least 16 characters, better more, made at random")
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
			p.add("REPORTING_AUTH_ISSUERS", "is required in verify mode: whose tokens are accepted? "+
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
				p.add(name, "has no meaning in gateway mode, which checks no signatures; remove it, or set REPORTING_AUTH=verify")
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
