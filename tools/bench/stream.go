// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"reporting/tools/bench/figures"
	"reporting/tools/bench/stage"
)

// streamed is the result of reading one long response.
type streamed struct {
	first, whole time.Duration // to the first byte of the body, and to the last
	bytes        int
	jobs         int // number of jobs, if counted
}

// stream reads a very long list, alone and several at a time.
func (b *bench) stream(ctx context.Context) error {
	if err := b.table(ctx); err != nil {
		return err
	}
	if err := b.fill(ctx, stage.Users{First: streamUser, Count: 1, Jobs: b.streamJobs}); err != nil {
		return err
	}
	token, err := b.issuer.Token(stage.UserID(streamUser))
	if err != nil {
		return err
	}
	table := figures.NewTable("at once", "MB each", "first byte ms", "whole s", "MB/s in all", "peak before MB", "peak after MB", "growth MB")
	for _, atOnce := range []int{1, 4} { // a user may have four requests in progress
		if err := b.streamRow(ctx, table, token, atOnce); err != nil {
			return err
		}
	}
	b.section("One long answer")
	b.sayf(`A user with %s jobs, read as JSON without compression from a service that was just started and had answered one short
call. The first byte is that of the body; of several at once the slowest counts. Each answer was counted afterwards.
`, figures.Count(float64(b.streamJobs)))
	b.sayf("%s", table)
	return nil
}

func (b *bench) streamRow(ctx context.Context, table *figures.Table, token string, atOnce int) (err error) {
	s, err := b.service(ctx)
	if err != nil {
		return err
	}
	defer stop(s, &err)
	if _, err := readStream(ctx, s, b.tokens[0], false); err != nil {
		return err
	}
	before, err := stage.ProcessUsage(s.PID())
	if err != nil {
		return err
	}
	answers := make([]streamed, atOnce)
	group, reading := errgroup.WithContext(ctx)
	begin := time.Now()
	for n := range answers {
		group.Go(func() (err error) {
			answers[n], err = readStream(reading, s, token, false)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	took := time.Since(begin)
	after, err := stage.ProcessUsage(s.PID())
	if err != nil {
		return err
	}
	counted, err := readStream(ctx, s, token, true)
	if err != nil {
		return err
	}
	if counted.jobs != b.streamJobs {
		return fmt.Errorf("the long answer holds %d jobs, not %d", counted.jobs, b.streamJobs)
	}
	var first, whole time.Duration
	all := 0
	for _, a := range answers {
		if a.bytes != counted.bytes {
			return fmt.Errorf("a long answer has %d bytes, another %d", a.bytes, counted.bytes)
		}
		first, whole, all = max(first, a.first), max(whole, a.whole), all+a.bytes
	}
	table.Row(strconv.Itoa(atOnce), figures.Megabytes(float64(counted.bytes)), figures.Milliseconds(first), figures.Decimals(2)(whole.Seconds()),
		figures.Megabytes(float64(all)/took.Seconds()), figures.Megabytes(before.Peak), figures.Megabytes(after.Peak),
		figures.Megabytes(after.Peak-before.Peak))
	return nil
}

// client has no limits and compresses only on request.
var client = &http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}

// readStream reads a response without keeping it.
func readStream(ctx context.Context, s *stage.Service, token string, count bool) (got streamed, err error) {
	const path = "/fhir/$get-report-job-status"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.Addr+path, strings.NewReader(`{"resourceType":"Parameters"}`)) //nolint:gosec // a service of ours
	if err != nil {
		return got, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", stage.JSON)
	begin := time.Now()
	answer, err := client.Do(request) //nolint:gosec // a service of ours
	if err != nil {
		return got, fmt.Errorf("call: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return got, fmt.Errorf("the answer has status %d", answer.StatusCode)
	}
	buffer := make([]byte, 256<<10)
	word := []byte(`"reportJob"`)
	kept := 0 // end of the previous part, which may contain the start of a word
	for {
		n, err := answer.Body.Read(buffer[kept:])
		if got.bytes == 0 && n > 0 {
			got.first = time.Since(begin)
		}
		got.bytes += n
		if count {
			text := buffer[:kept+n]
			got.jobs += bytes.Count(text, word)
			kept = copy(buffer, text[max(0, len(text)-len(word)+1):])
		}
		if errors.Is(err, io.EOF) {
			got.whole = time.Since(begin)
			return got, nil
		}
		if err != nil {
			return got, fmt.Errorf("read answer: %w", err)
		}
	}
}
