// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reporting/internal/config"
	"reporting/internal/doctor"
	"reporting/internal/report"
)

const anEpisode = `{"resourceType":"EpisodeOfCare","status":"active","patient":{"reference":"Patient/1"},"period":{"start":"2026-01-01"}}`

func doctorOf(s config.Source) DoctorOptions {
	return DoctorOptions{Now: time.Now, Config: config.Config{Reports: config.Reports{Source: s, Zone: time.UTC}}}
}

// sourceOf is the last finding about a source.
func sourceOf(t *testing.T, s config.Source) doctor.Finding {
	t.Helper()
	found := doctorOf(s).source(t.Context())
	return found[len(found)-1]
}

func TestFolderSource(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	look := func() doctor.Finding { return sourceOf(t, config.Source{Kind: config.Folder, Dir: dir}) }
	expect(t, "empty", look(), doctor.Wrong, "no file in the folder is called")
	write("EpisodeOfCare.1.ndjson", "")
	expect(t, "nothing in it", look(), doctor.Warning, "hold no episode")
	write("EpisodeOfCare.2.ndjson", anEpisode+"\n"+anEpisode+"\n")
	expect(t, "well", look(), doctor.OK, "1 files with episodes")
	write("EpisodeOfCare.3.ndjson", `{"resourceType":"Patient"}`)
	expect(t, "another resource", look(), doctor.Wrong, "EpisodeOfCare.3.ndjson, line 1: is no EpisodeOfCare")
	write("EpisodeOfCare.3.ndjson.gz", "no gzip")
	write("EpisodeOfCare.3.ndjson", anEpisode)
	expect(t, "broken", look(), doctor.Wrong, "EpisodeOfCare.3.ndjson.gz")
	expect(t, "no folder", sourceOf(t, config.Source{Kind: config.Folder, Dir: dir + "/none"}), doctor.Wrong, "no such file")
	expect(t, "made up", sourceOf(t, config.Source{Kind: config.SyntheticSource, Episodes: 7}), doctor.Warning, "7 episodes that are made up")
}

func TestFHIRSource(t *testing.T) {
	t.Parallel()
	const entry = `"entry":[{"resource":` + anEpisode + `}]`
	var answer, token string
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token":
			w.Header().Set("Content-Type", "application/json")
			if id, secret, _ := r.BasicAuth(); id != "reporting" || secret != "hunter2" {
				w.WriteHeader(http.StatusUnauthorized)
			}
			_, _ = io.WriteString(w, `{"access_token":"the-token","token_type":"Bearer"}`)
		case token != "" && r.Header.Get("Authorization") != "Bearer "+token:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `{"resourceType":"Bundle","type":"searchset",%s}`, answer)
		}
	}))
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL + "/fhir")
	if err != nil {
		t.Fatal(err)
	}
	open := config.Source{Kind: config.FHIRServer, URL: base}
	answer = `"total":42,` + entry
	expect(t, "well", sourceOf(t, open), doctor.OK, "has 42 episodes")
	answer = entry
	expect(t, "no total", sourceOf(t, open), doctor.OK, "answers with episodes")
	answer = `"total":0`
	expect(t, "nothing to see", sourceOf(t, open), doctor.Warning, "no episode of care")
	answer = `"entry":[{"resource":{"resourceType":"EpisodeOfCare"}}]`
	expect(t, "not R4", sourceOf(t, open), doctor.Wrong, "EpisodeOfCare.status")
	status = http.StatusNotFound
	expect(t, "another address", sourceOf(t, open), doctor.Wrong, "answers with 404")
	status, token, answer = http.StatusOK, "the-token", entry
	expect(t, "a token is wanted", sourceOf(t, open), doctor.Wrong, "refuses the service's token")
	ours := open
	ours.TokenURL, ours.ClientID, ours.ClientSecret = server.URL+"/token", "reporting", "hunter2"
	expect(t, "and shown", sourceOf(t, ours), doctor.OK, "answers")
	ours.ClientSecret = "hunter3"
	if f := sourceOf(t, ours); f.Result != doctor.Wrong || !strings.Contains(f.Text, "refuses the service's credentials") || strings.Contains(f.Text+f.Mend, "hunter") {
		t.Errorf("a wrong secret: %+v", f)
	}
	server.Close()
	expect(t, "away", sourceOf(t, open), doctor.Wrong, "cannot be reached")
	far := doctorOf(config.Source{Kind: config.FHIRServer, URL: &url.URL{Scheme: "http", Host: "nowhere.invalid"}}).source(t.Context())
	if len(far) != 2 || far[0].Result != doctor.Warning || !strings.Contains(far[0].Text, "in the clear") {
		t.Errorf("in the clear: %+v", far)
	}
}

func TestTemporary(t *testing.T) {
	t.Parallel()
	o := doctorOf(config.Source{Kind: config.SyntheticSource, Episodes: 1})
	dir := t.TempDir()
	if f := o.temporary(dir); f.Result == doctor.Wrong || !strings.Contains(f.Text, dir) {
		t.Errorf("%+v", f)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("looking left %v: %v", left, err)
	}
	expect(t, "none", o.temporary(dir+"/none"), doctor.Wrong, "mount a folder that can be written to on /tmp")
	o.Config.Reports.Source.Episodes = 1 << 60 / bytesPerEpisode
	expect(t, "more than any disk has", o.temporary(dir), doctor.Warning, "which is little for 1 reports")
}

func TestNights(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	o := DoctorOptions{Now: func() time.Time { return time.Date(2026, time.March, 28, 12, 0, 0, 0, time.UTC) }}
	o.Config.Reports = config.Reports{Zone: zone, NightHour: 2}
	expect(t, "an hour that is left out", o.nights(), doctor.OK, "next at 2026-03-29T03:00:00+02:00 (Europe/Copenhagen); now it is 13:00:00")
	o.Config.Reports.Zone = nil
	expect(t, "no zone", o.nights(), doctor.NotRun, "REPORTING_TIME_ZONE")
}

// What is not asked for is not looked at.
func TestNoReportsNoChecks(t *testing.T) {
	t.Parallel()
	o := DoctorOptions{Config: config.Config{DatabaseURL: "postgres://u@h/d"}}
	if len(o.reporting()) > 0 || len(o.workers()) > 0 {
		t.Error("reports are looked at where there are none")
	}
	o.Config.Reports.Source.Kind = config.SyntheticSource
	if len(o.reporting()) == 0 || len(o.workers()) > 0 {
		t.Error("workers are looked at where there are none, or nothing is")
	}
	o.Config.Reports.WorkerDatabaseURL = "postgres://w@h/d"
	if len(o.workers()) == 0 {
		t.Error("nobody looks at the workers' database")
	}
}

// A login that may take no orders is told of once, and again when it may; a database that
// is away is not its fault.
func TestKeepOrders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		away := &report.Error{Kind: report.Unavailable, Cause: errors.New("away")}
		missing := errors.New("may not: grant it")
		answers := []error{away, missing, missing, away, missing, nil, nil, missing, nil}
		var log bytes.Buffer
		a := &App{log: slog.New(slog.NewTextHandler(&log, nil))}
		ctx, stop := context.WithCancel(t.Context())
		a.keepOrders(ctx, func(context.Context) error {
			err := answers[0]
			if answers = answers[1:]; len(answers) == 0 {
				stop()
			}
			return err
		})
		if text := log.String(); len(answers) > 0 || strings.Count(text, "cannot be ordered") != 2 || strings.Count(text, "can be ordered now") != 2 ||
			!strings.Contains(text, "level=ERROR") || !strings.Contains(text, "may not: grant it") {
			t.Errorf("%d left: %s", len(answers), text)
		}
	})
}
