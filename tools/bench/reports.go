// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"reporting/internal/source/episode"
	"reporting/internal/source/synthetic"

	"reporting/tools/bench/figures"
	"reporting/tools/bench/stage"
)

// reportRun is the result of making one report.
type reportRun struct {
	source   string
	episodes int
	took     time.Duration // from the order until the status says DONE
	usage    stage.Usage   // usage of the service
}

// reports measures the cost of patient-usage-stats, from synthetic data, which is cheap to read,
// and from an export.
func (b *bench) reports(ctx context.Context) error {
	export := filepath.Join(b.dir, "export")
	if err := writeExport(ctx, export, b.exported); err != nil {
		return err
	}
	var runs []reportRun
	for _, r := range []reportRun{
		{source: "synthetic:" + strconv.Itoa(b.episodes/10), episodes: b.episodes / 10},
		{source: "synthetic:" + strconv.Itoa(b.episodes), episodes: b.episodes},
		{source: export, episodes: b.exported},
	} {
		if err := b.reportOf(ctx, &r); err != nil {
			return fmt.Errorf("a report of %d episodes: %w", r.episodes, err)
		}
		b.progressf("%d episodes: %v, %s MB", r.episodes, r.took.Round(time.Millisecond), figures.Megabytes(r.usage.Peak))
		runs = append(runs, r)
	}
	b.section("A report")
	b.sayf(`patient-usage-stats by $execute-, one worker within the service, on a service that was just started. The time is
from the order until the status says DONE. Processor time and peak memory are the whole service's.
`)
	table := figures.NewTable("source", "episodes", "s", "episodes/s", "CPU s", "peak MB")
	for _, r := range runs {
		name := "made up"
		if !strings.HasPrefix(r.source, "synthetic:") {
			name = "NDJSON files"
		}
		table.Row(name, figures.Count(float64(r.episodes)), figures.Decimals(1)(r.took.Seconds()),
			figures.Count(float64(r.episodes)/r.took.Seconds()), figures.Decimals(1)(r.usage.CPU.Seconds()), figures.Megabytes(r.usage.Peak))
	}
	b.sayf("%s", table)
	return nil
}

// reportOf makes one report of a source.
func (b *bench) reportOf(ctx context.Context, r *reportRun) (err error) {
	s, err := stage.StartService(ctx, b.program, b.dir, b.db.Reader(), b.issuer.URL, "REPORTING_SOURCE="+r.source, "REPORTING_WORKERS=1")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	// Each report has a user of its own, with a single job.
	token, err := b.issuer.Token(fmt.Sprintf("reports of %d of %s", r.episodes, r.source), "$fetch-patient-usage-stats", "Binary.read")
	if err != nil {
		return err
	}
	begin := time.Now()
	if _, err := postOperation(ctx, s, token, "execute-patient-usage-stats",
		`{"resourceType":"Parameters","parameter":[{"name":"anonymization","valueString":"ANONYMIZED"}]}`); err != nil {
		return err
	}
	const pause = 100 * time.Millisecond
	for {
		list, err := postOperation(ctx, s, token, "get-report-job-status",
			`{"resourceType":"Parameters","parameter":[{"name":"outcome","valueBoolean":true}]}`)
		switch {
		case err != nil:
			return err
		case strings.Contains(list, `"FAILED"`):
			return fmt.Errorf("it failed: %s", list)
		case strings.Contains(list, `"DONE"`):
			r.took = time.Since(begin)
			r.usage, err = stage.ProcessUsage(s.PID())
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func postOperation(ctx context.Context, s *stage.Service, token, name, body string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.Addr+"/fhir/$"+name, strings.NewReader(body)) //nolint:gosec // the service under test
	if err != nil {
		return "", fmt.Errorf("call %s: %w", name, err)
	}
	request.Header.Set("Content-Type", "application/fhir+json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request) //nolint:gosec // as above
	if err != nil {
		return "", fmt.Errorf("call %s: %w", name, err)
	}
	defer func() { _ = response.Body.Close() }()
	var text strings.Builder
	if _, err := bufio.NewReader(response.Body).WriteTo(&text); err != nil {
		return "", fmt.Errorf("call %s: %w", name, err)
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("call %s: %s: %s", name, response.Status, text.String())
	}
	return text.String(), nil
}

// exportedEpisode is an EpisodeOfCare in an export.
type exportedEpisode struct {
	ResourceType  string            `json:"resourceType"`
	ID            string            `json:"id"`
	Status        episode.Status    `json:"status"`
	StatusHistory []exportedStage   `json:"statusHistory,omitempty"`
	Patient       map[string]string `json:"patient"`
	Period        map[string]string `json:"period"`
}

type exportedStage struct {
	Status episode.Status    `json:"status"`
	Period map[string]string `json:"period"`
}

// writeExport writes synthetic episodes to a file in the form of a bulk export.
func writeExport(ctx context.Context, dir string, episodes int) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil { //nolint:gosec // in a folder of ours
		return fmt.Errorf("make an export: %w", err)
	}
	file, err := os.Create(filepath.Join(dir, "EpisodeOfCare.000.ndjson")) //nolint:gosec // in a folder of ours
	if err != nil {
		return fmt.Errorf("make an export: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	lines := bufio.NewWriter(file)
	encoder, n := json.NewEncoder(lines), 0
	err = synthetic.Source{Episodes: episodes, Seed: 1, Until: time.Now()}.Each(ctx, func(e *episode.Episode) error {
		n++
		resource := exportedEpisode{
			ResourceType: "EpisodeOfCare", ID: strconv.Itoa(n), Status: e.Status,
			Patient: map[string]string{"reference": e.Patient}, Period: exportedPeriod(e.Period),
		}
		for _, stage := range e.History {
			resource.StatusHistory = append(resource.StatusHistory, exportedStage{stage.Status, exportedPeriod(stage.Period)})
		}
		return encoder.Encode(resource)
	})
	return errors.Join(err, lines.Flush())
}

func exportedPeriod(p episode.Period) map[string]string {
	out := map[string]string{"start": p.Start.Format(time.RFC3339)}
	if !p.End.IsZero() {
		out["end"] = p.End.Format(time.RFC3339)
	}
	return out
}
