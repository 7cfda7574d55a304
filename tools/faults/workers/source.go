// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Sources of made-up episodes: reports of the first take some 100 ms, those of the other
// next to nothing.
const (
	usual = "synthetic:100000"
	small = "synthetic:500"
)

// source is a FHIR server that takes its time, so that a report takes as long as a part
// wants it to and nobody computes anything. It knows who is at it: each attempt at a
// report begins with a first page.
type source struct {
	url    string
	server *http.Server

	mu    sync.Mutex
	pages int // of a reading, each of which takes a second
	runs  []reading
}

// reading is one attempt's.
type reading struct {
	pages int
	last  time.Time // of the latest question
}

func startSource() (*source, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // stop ends it
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	s := &source{url: "http://" + listener.Addr().String() + "/fhir"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /fhir/EpisodeOfCare", s.page)
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

func (s *source) stop() { _ = s.server.Close() }

// lasts says how many seconds a reading takes from now on, and forgets those before.
func (s *source) lasts(seconds int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages, s.runs = seconds, nil
}

// readings are those so far.
func (s *source) readings() []reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]reading(nil), s.runs...)
}

func (s *source) page(w http.ResponseWriter, r *http.Request) {
	run, err := strconv.Atoi(r.URL.Query().Get("run"))
	s.mu.Lock()
	if err != nil { // the first page
		run = len(s.runs)
		s.runs = append(s.runs, reading{})
	}
	if run >= len(s.runs) { // of an attempt that a part left behind
		s.mu.Unlock()
		http.Error(w, "there is no such reading", http.StatusGone)
		return
	}
	s.runs[run].pages++
	s.runs[run].last = time.Now()
	number, all := s.runs[run].pages, s.pages
	s.mu.Unlock()
	select {
	case <-r.Context().Done():
		return
	case <-time.After(time.Second):
	}
	next := ""
	if number < all {
		next = fmt.Sprintf(`{"relation":"next","url":"?run=%d&page=%d"}`, run, number+1)
	}
	w.Header().Set("Content-Type", "application/fhir+json")
	_, _ = fmt.Fprintf(w, `{"resourceType":"Bundle","type":"searchset","link":[%s],"entry":[{"search":{"mode":"match"},"resource":`+
		`{"resourceType":"EpisodeOfCare","status":"active","patient":{"reference":"Patient/%d"},"period":{"start":"2026-01-01"}}}]}`, next, number)
}
