// SPDX-License-Identifier: Apache-2.0

package app

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"os"
	"syscall"
	"time"

	"reporting/internal/config"
	"reporting/internal/doctor"
	"reporting/internal/postgres"
	"reporting/internal/report"
	"reporting/internal/source/fhirsearch"
	"reporting/internal/source/ndjson"
)

// reporting checks what is needed to make reports, where there are any.
func (o DoctorOptions) reporting() []doctor.Check {
	if !o.Config.Reports.On() {
		return nil
	}
	return []doctor.Check{
		{Area: "source", Run: o.source},
		{Area: "temporary", Run: func(context.Context) []doctor.Finding { return []doctor.Finding{o.temporary(os.TempDir())} }},
		{Area: "nights", Run: func(context.Context) []doctor.Finding { return []doctor.Finding{o.nights()} }},
	}
}

// workers checks the database as processes with workers use it, where these settings are
// theirs.
func (o DoctorOptions) workers() []doctor.Check {
	r := o.Config.Reports
	if !r.On() || r.Workers == 0 && r.WorkerDatabaseURL == "" {
		return nil
	}
	own, setting, other := string(r.WorkerDatabaseURL), "REPORTING_WORKER_DATABASE_URL", string(o.Config.DatabaseURL)
	if own == "" {
		own, setting = other, "REPORTING_DATABASE_URL"
	}
	if own == "" || postgres.CheckURL(own) != nil {
		return []doctor.Check{notRun("workers", setting)}
	}
	if o.Worker {
		other = "" // it is what workers have, if anything
	}
	e := postgres.WorkerExamination{Setting: setting, URL: own, Other: other, Connections: r.Workers + ownConnections, Now: o.Now}
	return []doctor.Check{e.Check()}
}

const mendSource = "correct REPORTING_SOURCE or one of its companions, or what is there"

func (o DoctorOptions) source(ctx context.Context) []doctor.Finding {
	r := o.Config.Reports
	if r.Zone == nil {
		return []doctor.Finding{{Result: doctor.NotRun, Text: "because of what is wrong with REPORTING_TIME_ZONE"}}
	}
	switch made := episodes(r, o.Now).(type) {
	case *fhirsearch.Server:
		return fhirSource(ctx, r.Source, made)
	case *ndjson.Folder:
		return []doctor.Finding{folderSource(ctx, r.Source.Dir, made)}
	}
	return []doctor.Finding{doctor.Doubt("name a FHIR server or a folder with an export in REPORTING_SOURCE", "reports are made of %d episodes that are made up", r.Source.Episodes)}
}

func fhirSource(ctx context.Context, s config.Source, server *fhirsearch.Server) (found []doctor.Finding) {
	for _, address := range []string{s.URL.String(), s.TokenURL} {
		if at, err := url.Parse(address); err == nil && at.Scheme == "http" && !isLocal(at.Hostname()) {
			found = append(found, doctor.Doubt("use https", "%s is asked in the clear: whoever is on the way reads about patients, or the service's secret", at.Redacted()))
		}
	}
	total, told, err := server.Probe(ctx)
	switch {
	case err != nil && s.TokenURL == "":
		return append(found, doctor.Bad(mendSource+"; REPORTING_SOURCE_TOKEN_URL is not set, so no token is shown", "%s: %v", s.URL, err))
	case err != nil:
		return append(found, doctor.Bad(mendSource, "%s: %v", s.URL, err))
	case !told:
		return append(found, doctor.Doubt("see what the service's client may read there", "%s answers, and has no episode of care for this service", s.URL))
	case total < 0:
		return append(found, doctor.Good("%s answers with episodes of care", s.URL))
	}
	return append(found, doctor.Good("%s answers, and has %d episodes of care", s.URL, total))
}

func folderSource(ctx context.Context, dir string, folder *ndjson.Folder) doctor.Finding {
	files, full, err := folder.Probe(ctx)
	switch {
	case err != nil:
		return doctor.Bad(mendSource+"; the service's user has to be able to read it", "%s: %v", dir, err)
	case full == 0:
		return doctor.Doubt("export again", "the files in %s (%d) hold no episode of care", dir, files)
	}
	return doctor.Good("%s has %d files with episodes of care", dir, full)
}

// What reports take of the disk: the patients and periods of all episodes, and the result.
const (
	bytesPerEpisode = 50
	littleRoom      = 256 << 20 // bytes: some five million episodes
)

// temporary tries the folder in which reports keep what they count.
func (o DoctorOptions) temporary(dir string) doctor.Finding {
	const mend = "mount a folder that can be written to on /tmp, or name one in TMPDIR"
	file, err := os.CreateTemp(dir, "reporting-doctor-")
	if err == nil {
		_, err = file.WriteString("x")
		err = errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	if err != nil {
		return doctor.Bad(mend, "reports cannot be made: the temporary folder cannot be written to: %v", err)
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return doctor.Doubt(mend, "how much room the temporary folder %s has is not known: %v", dir, err)
	}
	room := fs.Bavail * uint64(fs.Bsize) //nolint:gosec // it is above zero
	atOnce := max(1, o.Config.Reports.Workers+o.Config.Reports.FetchConcurrent)
	needed := max(littleRoom, o.Config.Reports.Source.Episodes*bytesPerEpisode)
	if room/uint64(atOnce) < uint64(needed) {
		return doctor.Doubt("make room: a report takes about 50 bytes for each episode of care",
			"the temporary folder %s has %d MiB left, which is little for %d reports at a time", dir, room>>20, atOnce)
	}
	return doctor.Good("the temporary folder %s can be written to, and has room for %d million episodes of care", dir, room/bytesPerEpisode/1_000_000)
}

// nights says when scheduled reports are made next: a clock or a zone that is wrong shows.
func (o DoctorOptions) nights() doctor.Finding {
	r := o.Config.Reports
	if r.Zone == nil {
		return doctor.Finding{Result: doctor.NotRun, Text: "because of what is wrong with REPORTING_TIME_ZONE"}
	}
	next := report.DailyTime{Hour: r.NightHour, Minute: r.NightMinute, Zone: r.Zone}.Next(o.Now())
	return doctor.Good("scheduled reports are made next at %s (%s); now it is %s there",
		next.In(r.Zone).Format(time.RFC3339), cmp.Or(r.Zone.String(), "UTC"), o.Now().In(r.Zone).Format(time.TimeOnly))
}
