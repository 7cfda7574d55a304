// SPDX-License-Identifier: Apache-2.0

package patientusage_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reporting/internal/report"
	"reporting/internal/reports/catalog"
	"reporting/internal/reports/patientusage"
	"reporting/internal/source/episode"
	"reporting/internal/source/ndjson"
	"reporting/internal/source/synthetic"
)

type output map[string]string

func (o output) Group(groupType, id string, value any) error {
	text, err := json.Marshal(value)
	o[groupType+"/"+id] = string(text)
	return err
}

func generate(t *testing.T, ctx context.Context, source episode.Source, progress func(string)) (output, error) { //nolint:revive // the test is what everything is for
	t.Helper()
	kind := patientusage.Report(source, copenhagen)
	made := output{}
	err := kind.Generate(ctx, catalog.Task{Time: at("2023-06-10 12:00"), Progress: progress}, made)
	return made, err
}

func TestReport(t *testing.T) {
	t.Parallel()
	made, err := generate(t, t.Context(), list{
		{Patient: "Patient/1", Status: episode.Active, Period: period("2023-05-03 08:00", "2023-06-01 00:00")},
	}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	text := made["PatientsUsageSummary/PatientsUsageSummary"]
	if len(made) != 1 || !strings.HasPrefix(text, `{"PatientsUsageSummary":{"monthData":[{"month":"5","year":"2023",`) {
		t.Errorf("%v", made)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	var told []string
	if _, err := generate(t, t.Context(), synthetic.Source{Episodes: 25_000, Seed: 1, Until: at("2023-06-10 12:00")}, func(text string) { told = append(told, text) }); err != nil {
		t.Fatal(err)
	}
	if want := "10000 episodes read,20000 episodes read,25000 episodes read; counting"; strings.Join(told, ",") != want {
		t.Errorf("%q, want %q", told, want)
	}
}

// broken is a source that fails after some episodes.
type broken struct {
	list
	err error
}

func (b broken) Each(ctx context.Context, yield func(*episode.Episode) error) error {
	return errors.Join(b.list.Each(ctx, yield), b.err)
}

// Users read why a report failed: what they are told holds no path of the server, and
// nothing that went wrong within the service.
func TestReasons(t *testing.T) {
	t.Parallel()
	const begin = "The episodes of care could not be read: "
	folder := func(name, text string) episode.Source {
		dir := t.TempDir()
		switch {
		case name == "":
		case text == "": // a folder where a file should be
			if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
				t.Fatal(err)
			}
		default:
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return ndjson.New(dir, copenhagen)
	}
	var packed strings.Builder
	writer := gzip.NewWriter(&packed)
	_, _ = writer.Write([]byte("{}\n"))
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string]episode.Source{
		"no folder":           ndjson.New(filepath.Join(t.TempDir(), "missing"), copenhagen),
		"empty":               folder("", ""),
		"a folder for a file": folder("EpisodeOfCare.ndjson", ""),
		"the same, packed":    folder("EpisodeOfCare.ndjson.gz", ""),
		"not packed":          folder("EpisodeOfCare.ndjson.gz", "{}"),
		"broken off":          folder("EpisodeOfCare.ndjson.gz", packed.String()[:packed.Len()-6]),
		"no resource":         folder("EpisodeOfCare.1.ndjson", `{"resourceType":"Patient"}`),
		"a server":            broken{list{{Patient: "p", Status: episode.Active, Period: period("2023-05-03 08:00", "")}}, errors.New("the FHIR server answers with 500")},
	} {
		made, err := generate(t, t.Context(), source, func(string) {})
		failure, ok := errors.AsType[*report.Failure](err)
		if !ok || failure.Permanent || !strings.HasPrefix(failure.Reason, begin) || len(failure.Reason) < len(begin)+10 {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.ContainsAny(strings.TrimPrefix(failure.Reason, begin), `/\`) || strings.Contains(failure.Reason, "secret") || strings.HasSuffix(failure.Reason, ".") {
			t.Errorf("%s: tells too much: %s", name, failure.Reason)
		}
		if len(made) > 0 {
			t.Errorf("%s: a number, and a wrong one: %v", name, made)
		}
	}
}

// A stop is no failure of the source, and neither is trouble with files of our own.
func TestNotTheSourcesFault(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	one := list{{Patient: "p", Status: episode.Active, Period: period("2023-05-03 08:00", "2023-06-01 00:00")}}
	if _, err := generate(t, ended, broken{one, context.Canceled}, func(string) {}); !errors.Is(err, context.Canceled) || isFailure(err) {
		t.Errorf("%v", err)
	}
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	if _, err := generate(t, t.Context(), one, func(string) {}); err == nil || isFailure(err) {
		t.Errorf("%v", err)
	}
}

func isFailure(err error) bool {
	_, is := errors.AsType[*report.Failure](err)
	return is
}
