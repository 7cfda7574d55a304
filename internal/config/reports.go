// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// SourceKind is the kind of the source of report data.
type SourceKind string

// The kinds of sources.
const (
	NoSource        SourceKind = "none"      // no reports
	FHIRServer      SourceKind = "fhir"      // a FHIR R4 server, by search
	Folder          SourceKind = "folder"    // NDJSON files of a bulk export
	SyntheticSource SourceKind = "synthetic" // generated episodes
)

// Source is the source of report data.
type Source struct {
	Kind         SourceKind
	URL          *url.URL // of the FHIR server
	Dir          string   // the folder
	Episodes     int      // of a synthetic source
	TokenURL     string   // OAuth 2.0 token endpoint; empty: requests have no token
	ClientID     string
	ClientSecret Key
	Scopes       []string
}

// Reports are the settings of reports and workers.
type Reports struct {
	Source            Source
	Zone              *time.Location // of days, months and nights
	NightHour         int
	NightMinute       int
	Timeout           time.Duration // of one attempt at a job
	MaxAttempts       int           // at a job
	FetchTimeout      time.Duration
	FetchConcurrent   int
	Workers           int    // jobs at a time; 0: this process makes none
	WorkerDatabaseURL Secret // of the workers; empty: DatabaseURL
	Retain            time.Duration
}

// On reports whether the service has reports.
func (r Reports) On() bool { return r.Source.Kind != NoSource && r.Source.Kind != "" }

const (
	maxWorkers  = 256
	maxAttempts = 100
	maxEpisodes = 1_000_000_000
	day         = 24 * time.Hour
	maxDays     = 36_500
)

// reports validates the settings of reports.
func (f Flags) reports(c *Config, p *problems) {
	r := &c.Reports
	r.Source = f.Source.check(p)
	var err error
	if r.Zone, err = time.LoadLocation(f.TimeZone); err != nil || f.TimeZone == "" || f.TimeZone == "Local" {
		p.add("REPORTING_TIME_ZONE", "must name a time zone, as in Europe/Copenhagen or UTC")
	}
	at, err := time.Parse("15:04", f.NightlyAt)
	if err != nil {
		p.add("REPORTING_NIGHTLY_AT", "must be an hour and a minute, as in 02:00")
	}
	r.NightHour, r.NightMinute = at.Hour(), at.Minute()
	r.Timeout = p.duration("REPORTING_ATTEMPT_TIMEOUT", f.AttemptTimeout)
	r.MaxAttempts = p.number("REPORTING_MAX_ATTEMPTS", f.MaxAttempts, 1, maxAttempts)
	r.FetchTimeout = p.duration("REPORTING_FETCH_TIMEOUT", f.FetchTimeout)
	r.FetchConcurrent = p.number("REPORTING_FETCH_CONCURRENT", f.FetchConcurrent, 0, maxWorkers)
	r.Workers = p.number("REPORTING_WORKERS", f.WorkerCount, 0, maxWorkers)
	r.Retain = time.Duration(p.number("REPORTING_RETENTION_DAYS", f.RetentionDays, 0, maxDays)) * day
}

// workers validates the connection of the workers.
func (f Flags) workers(c *Config, p *problems, checks Checks) {
	c.Reports.WorkerDatabaseURL = Secret(f.WorkerDatabaseURL)
	if f.WorkerDatabaseURL == "" {
		return
	}
	if err := checks.DatabaseURL(f.WorkerDatabaseURL); err != nil {
		p.add("REPORTING_WORKER_DATABASE_URL", "is "+err.Error())
	}
}

func (s SourceFlags) check(p *problems) Source {
	out := Source{TokenURL: s.SourceTokenURL, ClientID: s.SourceClientID, ClientSecret: Key(s.SourceClientSecret), Scopes: split(s.SourceScopes)}
	number, synthetic := strings.CutPrefix(s.Source, "synthetic:")
	switch {
	case s.Source == "":
		out.Kind = NoSource
	case synthetic:
		out.Kind = SyntheticSource
		out.Episodes = p.number("REPORTING_SOURCE synthetic:", number, 1, maxEpisodes)
	case strings.HasPrefix(s.Source, "http://"), strings.HasPrefix(s.Source, "https://"):
		out.Kind = FHIRServer
		if out.URL = p.base("REPORTING_SOURCE", s.Source); out.URL == nil {
			return Source{Kind: NoSource} // the doctor continues with invalid settings
		}
	case filepath.IsAbs(s.Source):
		out.Kind = Folder
		out.Dir = s.Source
	default:
		p.add("REPORTING_SOURCE", "must be the base URL of a FHIR server, the absolute path of a folder of NDJSON files, or synthetic:N for N episodes")
	}
	s.credentials(out, p)
	return out
}

// credentials validates the client credentials: all are set, or none.
func (s SourceFlags) credentials(out Source, p *problems) {
	given := 0
	for _, value := range []string{s.SourceTokenURL, s.SourceClientID, s.SourceClientSecret} {
		if value != "" {
			given++
		}
	}
	if given == 0 {
		return
	}
	if given < 3 {
		p.add("REPORTING_SOURCE_TOKEN_URL, REPORTING_SOURCE_CLIENT_ID, REPORTING_SOURCE_CLIENT_SECRET", "must be set together, or not at all")
	}
	if s.SourceTokenURL != "" {
		if u := p.url("REPORTING_SOURCE_TOKEN_URL", s.SourceTokenURL); u != nil && u.User != nil {
			p.add("REPORTING_SOURCE_TOKEN_URL", "must not have a user; set REPORTING_SOURCE_CLIENT_ID and REPORTING_SOURCE_CLIENT_SECRET")
		}
	}
	if out.Kind != FHIRServer {
		p.add("REPORTING_SOURCE_TOKEN_URL", "has a meaning only where REPORTING_SOURCE is a FHIR server; remove it, or set the base URL of one")
	}
}

func (s Source) String() string {
	switch s.Kind {
	case FHIRServer:
		return s.URL.String()
	case Folder:
		return s.Dir
	case SyntheticSource:
		return "synthetic:" + strconv.Itoa(s.Episodes)
	case NoSource:
	}
	return ""
}
