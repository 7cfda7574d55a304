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
	expect(t, "empty", look(), doctor.Error, "no file named")
	write("EpisodeOfCare.1.ndjson", "")
	expect(t, "nothing in it", look(), doctor.Warning, "have no episode")
	write("EpisodeOfCare.2.ndjson", anEpisode+"\n"+anEpisode+"\n")
	expect(t, "well", look(), doctor.OK, "1 files with episodes")
	write("EpisodeOfCare.3.ndjson", `{"resourceType":"Patient"}`)
	expect(t, "another resource", look(), doctor.Error, "EpisodeOfCare.3.ndjson, line 1: is no EpisodeOfCare")
	write("EpisodeOfCare.3.ndjson.gz", "no gzip")
	write("EpisodeOfCare.3.ndjson", anEpisode)
	expect(t, "broken", look(), doctor.Error, "EpisodeOfCare.3.ndjson.gz")
	expect(t, "no folder", sourceOf(t, config.Source{Kind: config.Folder, Dir: dir + "/none"}), doctor.Error, "no such file")
	expect(t, "made up", sourceOf(t, config.Source{Kind: config.SyntheticSource, Episodes: 7}), doctor.Warning, "7 synthetic episodes")
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
	expect(t, "well", sourceOf(t, open), doctor.OK, "has episodes")
	answer = entry
	expect(t, "no total", sourceOf(t, open), doctor.OK, "has episodes")
	answer = `"total":0`
	expect(t, "nothing to see", sourceOf(t, open), doctor.Warning, "no episode of care")
	answer = `"entry":[{"resource":{"resourceType":"EpisodeOfCare"}}]`
	expect(t, "not R4", sourceOf(t, open), doctor.Error, "EpisodeOfCare.status")
	status = http.StatusNotFound
	expect(t, "another address", sourceOf(t, open), doctor.Error, "answers with 404")
	status, token, answer = http.StatusOK, "the-token", entry
	expect(t, "a token is wanted", sourceOf(t, open), doctor.Error, "refuses the service's token")
	ours := open
	ours.TokenURL, ours.ClientID, ours.ClientSecret = server.URL+"/token", "reporting", "hunter2"
	expect(t, "and shown", sourceOf(t, ours), doctor.OK, "has episodes")
	ours.ClientSecret = "hunter3"
	if f := sourceOf(t, ours); f.Result != doctor.Error || !strings.Contains(f.Message, "refuses the service's credentials") || strings.Contains(f.Message+f.Remedy, "hunter") {
		t.Errorf("a wrong secret: %+v", f)
	}
	server.Close()
	expect(t, "away", sourceOf(t, open), doctor.Error, "cannot be reached")
}

//nolint:paralleltest // TMPDIR is the process's
func TestCheckTempDir(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	expect(t, "writable", checkTempDir(t.Context())[0], doctor.OK, dir)
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the check left %v: %v", left, err)
	}
	t.Setenv("TMPDIR", dir+"/none")
	expect(t, "none", checkTempDir(t.Context())[0], doctor.Error, "mount a writable folder on /tmp")
}

// Reports and workers are checked where the settings have them.
func TestChecksOfReports(t *testing.T) {
	t.Parallel()
	areas := func(c config.Config) string {
		var names []string
		for _, check := range (DoctorOptions{Config: c, Now: time.Now}).checks() {
			if area := check.Area; area == "orders" || area == "workers" || area == "source" || area == "temporary" {
				names = append(names, area)
			}
		}
		return strings.Join(names, " ")
	}
	c := config.Config{DatabaseURL: "postgres://u@h/d"}
	if got := areas(c); got != "" {
		t.Errorf("without reports: %s", got)
	}
	c.Reports.Source.Kind = config.SyntheticSource
	if got := areas(c); got != "orders source temporary" {
		t.Errorf("without workers: %s", got)
	}
	c.Reports.WorkerDatabaseURL = "postgres://w@h/d"
	if got := areas(c); got != "orders workers source temporary" {
		t.Errorf("with workers: %s", got)
	}
}

// A missing right is logged once, and its end too. An unreachable database is not logged here,
// because readiness reports it.
func TestWatchOrdersLogsChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		unreachable := &report.Error{Kind: report.Unavailable, Cause: errors.New("unreachable")}
		missing := errors.New("may not: grant it")
		answers := []error{unreachable, missing, missing, unreachable, missing, nil, nil, missing, nil}
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
		if text := log.String(); len(answers) > 0 || strings.Count(text, "orders do not work") != 2 || strings.Count(text, "orders work again") != 2 ||
			!strings.Contains(text, "level=ERROR") || !strings.Contains(text, "may not: grant it") {
			t.Errorf("%d left: %s", len(answers), text)
		}
	})
}
