// SPDX-License-Identifier: Apache-2.0

package config

// Each setting is a flag and an environment variable; a flag wins. They are all
// text here, so that reading them never fails and every wrong value can be
// reported at once. Kong reads the tags.

// HTTP are the settings of the two listeners.
type HTTP struct {
	Listen         string `default:":8080" env:"REPORTING_LISTEN" help:"Address of the API listener."`
	OpsListen      string `default:":9090" env:"REPORTING_OPS_LISTEN" help:"Address of the operations listener: /livez, /readyz, /metrics."`
	BaseURL        string `env:"REPORTING_BASE_URL" help:"Public base URL; its path is where the API is mounted (default: http://localhost:8080/fhir)."`
	FullURL        string `default:"id" env:"REPORTING_FULL_URL" help:"What entry.fullUrl holds: id, as the reference service writes it, or absolute."`
	MaxBody        string `default:"1MiB" env:"REPORTING_MAX_BODY" help:"Largest request body, as in 512KiB or 1MiB."`
	MaxConnections string `default:"4096" env:"REPORTING_MAX_CONNECTIONS" help:"How many connections the API listener has at a time; more wait."`
	MaxConcurrent  string `default:"512" env:"REPORTING_MAX_CONCURRENT" help:"How many calls may have their answers made at a time; more are told to come back."`
	UserRate       string `default:"20" env:"REPORTING_USER_RATE" help:"How many calls a second one user may make, averaged over five seconds; 0: any number."`
	CORSOrigins    string `name:"cors-origins" env:"REPORTING_CORS_ORIGINS" help:"Comma list of browser origins that may call, as in https://portal.example (default: none)."`
	ShutdownDelay  string `default:"5s" env:"REPORTING_SHUTDOWN_DELAY" help:"How long a stopping service goes on answering while it is already not ready."`
	ShutdownGrace  string `default:"15s" env:"REPORTING_SHUTDOWN_GRACE" help:"How long requests in flight may take to finish after that."`
}

// Database are the settings of the database connection.
type Database struct {
	DatabaseURL string `env:"REPORTING_DATABASE_URL" help:"Postgres connection string, libpq form; several hosts allowed."`
}

// Replica are the settings of reading from a second server.
type Replica struct {
	DatabaseReplicaURL string `env:"REPORTING_DATABASE_REPLICA_URL" help:"A standby of the database, in the same form: jobs are read from it while it keeps up (default: none)."`
}

// Query are the settings of reading jobs.
type Query struct {
	StatementTimeout   string `default:"5s" env:"REPORTING_STATEMENT_TIMEOUT" help:"How long the database may keep a caller waiting."`
	JobMetricsInterval string `default:"30s" env:"REPORTING_JOB_METRICS_INTERVAL" help:"How often at most the jobs in the table are counted for /metrics; 0s: never."`
}

// SourceFlags are the settings of where what is reported on comes from.
type SourceFlags struct {
	Source             string `env:"REPORTING_SOURCE" help:"Where reports take their data from: the base URL of a FHIR R4 server, the absolute path of a folder of NDJSON files, or synthetic: and a number (default: none, and there are no reports)."`
	SourceTokenURL     string `name:"source-token-url" env:"REPORTING_SOURCE_TOKEN_URL" help:"OAuth 2.0 token endpoint where the service gets its own token for the FHIR server, by client credentials."`
	SourceClientID     string `name:"source-client-id" env:"REPORTING_SOURCE_CLIENT_ID" help:"The service's client id there."`
	SourceClientSecret string `env:"REPORTING_SOURCE_CLIENT_SECRET" help:"The service's secret there."`
	SourceScopes       string `env:"REPORTING_SOURCE_SCOPES" help:"Comma list of scopes to ask for (default: none)."`
}

// Making are the settings of how reports are made.
type Making struct {
	Source            SourceFlags `embed:""`
	TimeZone          string      `default:"Europe/Copenhagen" env:"REPORTING_TIME_ZONE" help:"Whose days, months and nights count."`
	NightlyAt         string      `default:"02:00" env:"REPORTING_NIGHTLY_AT" help:"When scheduled reports are made, on the clock of that zone."`
	AttemptTimeout    string      `default:"30m" env:"REPORTING_ATTEMPT_TIMEOUT" help:"How long one attempt at a report may take."`
	MaxAttempts       string      `default:"3" env:"REPORTING_MAX_ATTEMPTS" help:"How often a report is tried before its job has failed."`
	FetchTimeout      string      `default:"8s" env:"REPORTING_FETCH_TIMEOUT" help:"How long a report may take whose caller waits for it."`
	FetchConcurrent   string      `default:"2" env:"REPORTING_FETCH_CONCURRENT" help:"How many such reports are made at a time; 0: none."`
	WorkerCount       string      `name:"workers" default:"2" env:"REPORTING_WORKERS" help:"How many reports this process makes at a time; 0: none, reporting worker does."`
	WorkerDatabaseURL string      `env:"REPORTING_WORKER_DATABASE_URL" help:"What workers connect with: directly, as a role that may act as reporting_worker (default: REPORTING_DATABASE_URL)."`
	RetentionDays     string      `default:"0" env:"REPORTING_RETENTION_DAYS" help:"How many days jobs that have ended and their results are kept; 0: for ever."`
}

// Auth are the settings that say who may call.
type Auth struct {
	Auth             string `default:"verify" env:"REPORTING_AUTH" help:"verify: signatures are checked here. gateway: something in front has checked them, and only trusted peers are believed."`
	AuthIssuers      string `env:"REPORTING_AUTH_ISSUERS" help:"Comma list of issuer URLs (verify mode); their keys are found by OpenID discovery."`
	AuthJWKSURL      string `name:"auth-jwks-url" env:"REPORTING_AUTH_JWKS_URL" help:"Where the keys are, in place of discovery (verify mode, one issuer)."`
	AuthAudience     string `env:"REPORTING_AUTH_AUDIENCE" help:"What the claim aud must contain (verify mode; default: anything)."`
	AuthTrustedPeers string `env:"REPORTING_AUTH_TRUSTED_PEERS" help:"Comma list of address ranges whose word is taken (gateway mode; default: 127.0.0.0/8,::1/128)."`
}

// Logging are the settings of the log.
type Logging struct {
	LogLevel  string `default:"info" env:"REPORTING_LOG_LEVEL" help:"debug, info, warn or error."`
	LogFormat string `env:"REPORTING_LOG_FORMAT" help:"json or text (default: json; text in dev)."`
}

// Trail are the settings of what is written down about users.
type Trail struct {
	AuditLog   string `env:"REPORTING_AUDIT_LOG" help:"Where audit records go: stdout, stderr, off, or a path with a slash of a file to append to (default: stdout; off in dev)."`
	LogUserKey string `env:"REPORTING_LOG_USER_KEY" help:"Secret from which the log makes pseudonyms of users (default: a new one at each start)."`
}

// Flags are all settings of a running service.
type Flags struct {
	HTTP     `embed:""`
	Database `embed:""`
	Replica  `embed:""`
	Query    `embed:""`
	Making   `embed:""`
	Auth     `embed:""`
	Logging  `embed:""`
	Trail    `embed:""`
}
