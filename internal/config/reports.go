// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// SourceKind says where what is reported on comes from.
type SourceKind string

// The kinds of sources.
const (
	NoSource        SourceKind = "none"      // there are no reports
	FHIRServer      SourceKind = "fhir"      // a FHIR R4 server, by search
	Folder          SourceKind = "folder"    // files as a bulk export writes them
	SyntheticSource SourceKind = "synthetic" // made up
)

// Source says where what is reported on comes from.
type Source struct {
	Kind         SourceKind
	URL          *url.URL // of the FHIR server
	Dir          string   // the folder
	Episodes     int      // how many are made up
	TokenURL     string   // where the service gets its token; empty: it shows none
	ClientID     string
	ClientSecret Key
	Scopes       []string
}

// Reports says how reports are made.
type Reports struct {
	Source            Source
	Zone              *time.Location // whose days, months and nights count
	NightHour         int
	NightMinute       int
	Timeout           time.Duration // of one attempt at a job
	MaxAttempts       int           // at a job
	FetchTimeout      time.Duration
	FetchConcurrent   int
	Workers           int    // jobs at a time; 0: none are made here
	WorkerDatabaseURL Secret // what workers connect with; empty: as everything else
	Retain            time.Duration
}

// On tells whether there are reports at all.
func (r Reports) On() bool { return r.Source.Kind != NoSource && r.Source.Kind != "" }

const (
	maxWorkers  = 256
	maxAttempts = 100
	maxEpisodes = 1_000_000_000
	day         = 24 * time.Hour
	maxDays     = 36_500
)

// reports checks the settings of reports.
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

// workers checks what workers connect with.
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
		out.URL = p.base("REPORTING_SOURCE", s.Source)
	case filepath.IsAbs(s.Source):
		out.Kind = Folder
		out.Dir = s.Source
	default:
		p.add("REPORTING_SOURCE", "must be the base URL of a FHIR server, the absolute path of a folder with an export, or synthetic: and a number of episodes")
	}
	s.credentials(out, p)
	return out
}

// credentials are all there, or none is.
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
		p.url("REPORTING_SOURCE_TOKEN_URL", s.SourceTokenURL)
	}
	if out.Kind != FHIRServer {
		p.add("REPORTING_SOURCE_TOKEN_URL", "has a meaning only where REPORTING_SOURCE is a FHIR server")
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
