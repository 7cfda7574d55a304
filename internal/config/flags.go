// SPDX-License-Identifier: Apache-2.0

package config

// Each setting is a flag and an environment variable; the flag takes precedence. All
// are strings here, so that reading them never fails and one error can list every
// invalid value. Kong reads the tags.

// HTTP are the settings of the two listeners.
type HTTP struct {
	Listen         string `default:":8080" env:"REPORTING_LISTEN" help:"Address of the API listener."`
	OpsListen      string `default:":9090" env:"REPORTING_OPS_LISTEN" help:"Address of the operations listener: /livez, /readyz, /metrics."`
	BaseURL        string `env:"REPORTING_BASE_URL" help:"Public base URL; its path is where the API is mounted (default: http://localhost:8080/fhir)."`
	FullURL        string `default:"id" env:"REPORTING_FULL_URL" help:"Form of entry.fullUrl: id, as in the reference service, or absolute."`
	MaxBody        string `default:"1MiB" env:"REPORTING_MAX_BODY" help:"Largest request body, as in 512KiB or 1MiB."`
	MaxConnections string `default:"4096" env:"REPORTING_MAX_CONNECTIONS" help:"Largest number of connections of the API listener; further ones wait."`
	MaxConcurrent  string `default:"512" env:"REPORTING_MAX_CONCURRENT" help:"Largest number of requests in progress; further ones get 503."`
	UserRate       string `default:"20" env:"REPORTING_USER_RATE" help:"Requests that one user may make in a second, averaged over five seconds; 0: no limit."`
	CORSOrigins    string `name:"cors-origins" env:"REPORTING_CORS_ORIGINS" help:"Comma-separated list of browser origins that may call, as in https://portal.example (default: none)."`
	ShutdownDelay  string `default:"5s" env:"REPORTING_SHUTDOWN_DELAY" help:"How long a stopping service still accepts requests after /readyz fails."`
	ShutdownGrace  string `default:"15s" env:"REPORTING_SHUTDOWN_GRACE" help:"How long requests in flight may take after that."`
}

// Database are the settings of the database connection.
type Database struct {
	DatabaseURL string `env:"REPORTING_DATABASE_URL" help:"Postgres connection string, libpq form; several hosts allowed."`
}

// Replica are the settings of a second server to read from.
type Replica struct {
	DatabaseReplicaURL string `env:"REPORTING_DATABASE_REPLICA_URL" help:"A standby of the database, in the same form; jobs are read from it while it is up to date (default: none)."`
}

// Query are the settings of reading jobs.
type Query struct {
	StatementTimeout   string `default:"5s" env:"REPORTING_STATEMENT_TIMEOUT" help:"Limit of one database query."`
	JobMetricsInterval string `default:"30s" env:"REPORTING_JOB_METRICS_INTERVAL" help:"Shortest time between two counts of the jobs for /metrics; 0s: never count."`
}

// SourceFlags are the settings of the source of report data.
type SourceFlags struct {
	Source             string `env:"REPORTING_SOURCE" help:"Source of report data: the base URL of a FHIR R4 server, the absolute path of a folder of NDJSON files, or synthetic:N for N made-up episodes (default: none, and no reports)."`
	SourceTokenURL     string `name:"source-token-url" env:"REPORTING_SOURCE_TOKEN_URL" help:"OAuth 2.0 token endpoint for client credentials; the token is for the FHIR server."`
	SourceClientID     string `name:"source-client-id" env:"REPORTING_SOURCE_CLIENT_ID" help:"Client id for the token endpoint."`
	SourceClientSecret string `env:"REPORTING_SOURCE_CLIENT_SECRET" help:"Client secret for the token endpoint."`
	SourceScopes       string `env:"REPORTING_SOURCE_SCOPES" help:"Comma-separated list of scopes to request (default: none)."`
}

// ReportFlags are the settings of reports and of the workers that make them.
type ReportFlags struct {
	Source            SourceFlags `embed:""`
	TimeZone          string      `default:"Europe/Copenhagen" env:"REPORTING_TIME_ZONE" help:"Time zone of days, months and nights in reports."`
	NightlyAt         string      `default:"02:00" env:"REPORTING_NIGHTLY_AT" help:"When scheduled reports are made, in REPORTING_TIME_ZONE."`
	AttemptTimeout    string      `default:"30m" env:"REPORTING_ATTEMPT_TIMEOUT" help:"Limit of one attempt at a report."`
	MaxAttempts       string      `default:"3" env:"REPORTING_MAX_ATTEMPTS" help:"Attempts at a report before its job fails."`
	FetchTimeout      string      `default:"8s" env:"REPORTING_FETCH_TIMEOUT" help:"Limit of a report that the client waits for ($fetch-X)."`
	FetchConcurrent   string      `default:"2" env:"REPORTING_FETCH_CONCURRENT" help:"Largest number of such reports at a time; 0: none."`
	WorkerCount       string      `name:"workers" default:"2" env:"REPORTING_WORKERS" help:"Reports that this process makes at a time; 0: none, and reporting worker makes them."`
	WorkerDatabaseURL string      `env:"REPORTING_WORKER_DATABASE_URL" help:"Postgres connection string of the workers, without a pooler, of a login that may act as reporting_worker (default: REPORTING_DATABASE_URL)."`
	RetentionDays     string      `default:"0" env:"REPORTING_RETENTION_DAYS" help:"Days after which ended jobs and their results are deleted; 0: never."`
}

// Auth are the settings of authentication.
type Auth struct {
	Auth             string `default:"verify" env:"REPORTING_AUTH" help:"verify: this service verifies signatures. gateway: a gateway has verified them, and only trusted peers may connect."`
	AuthIssuers      string `env:"REPORTING_AUTH_ISSUERS" help:"Comma-separated list of issuer URLs (verify mode); OpenID discovery finds their keys."`
	AuthJWKSURL      string `name:"auth-jwks-url" env:"REPORTING_AUTH_JWKS_URL" help:"URL of the key set, instead of discovery (verify mode, one issuer)."`
	AuthAudience     string `env:"REPORTING_AUTH_AUDIENCE" help:"Required value in the claim aud (verify mode; default: any)."`
	AuthTrustedPeers string `env:"REPORTING_AUTH_TRUSTED_PEERS" help:"Comma-separated list of address ranges of the gateway (gateway mode; default: 127.0.0.0/8,::1/128)."`
}

// Logging are the settings of the log.
type Logging struct {
	LogLevel  string `default:"info" env:"REPORTING_LOG_LEVEL" help:"debug, info, warn or error."`
	LogFormat string `env:"REPORTING_LOG_FORMAT" help:"json or text (default: json; text in dev)."`
}

// AuditFlags are the settings of audit records and of pseudonyms in the log.
type AuditFlags struct {
	AuditLog   string `env:"REPORTING_AUDIT_LOG" help:"Destination of audit records: stdout, stderr, off, or the path of a file to append to, with a slash (default: stdout; off in dev)."`
	LogUserKey string `env:"REPORTING_LOG_USER_KEY" help:"Secret key of the pseudonyms of users in the log (default: a new one at each start)."`
}

// Flags are all settings of a running service.
type Flags struct {
	HTTP        `embed:""`
	Database    `embed:""`
	Replica     `embed:""`
	Query       `embed:""`
	ReportFlags `embed:""`
	Auth        `embed:""`
	Logging     `embed:""`
	AuditFlags  `embed:""`
}
