// SPDX-License-Identifier: Apache-2.0

// Package fhirsearch reads episodes of care from a FHIR R4 server by search, page by page. An
// incomplete result is an error, because a count of half of the episodes is wrong. It knows no
// report; internal/app imports it.
package fhirsearch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/oauth2/clientcredentials"

	"reporting/internal/source"
	"reporting/internal/source/episode"
)

// Options configure a Server.
type Options struct {
	Base *url.URL // base URL, such as https://careplan.example.org/fhir
	Zone *time.Location
	// PageSize is the requested _count; the server may use another one. Zero means 500.
	PageSize int
	// Credentials are for OAuth 2.0 client credentials; nil means none.
	Credentials *clientcredentials.Config
	// Tries is the number of requests for a page before it fails. Zero means 6, over about a
	// minute.
	Tries uint
	// FirstPause is the time before the second request. Each further pause is twice as long.
	// Zero means one second.
	FirstPause time.Duration
}

// Server is a source of episodes.
type Server struct {
	options Options
	client  *http.Client
}

const (
	usualPageSize = 500
	usualTries    = 6
	usualPause    = time.Second
	pageTimeout   = 2 * time.Minute
)

// New returns the source. It makes no connection.
func New(o Options) *Server {
	if o.PageSize == 0 {
		o.PageSize = usualPageSize
	}
	if o.Tries == 0 {
		o.Tries = usualTries
	}
	if o.FirstPause == 0 {
		o.FirstPause = usualPause
	}
	s := &Server{options: o}
	s.client = &http.Client{Timeout: pageTimeout, Transport: userAgent{}, CheckRedirect: s.stayAtOrigin}
	return s
}

// Each implements episode.Source.
func (s *Server) Each(ctx context.Context, yield func(*episode.Episode) error) error {
	fetch := s.fetcher(ctx)
	decoder := source.Decoder{Base: s.options.Base.String(), Zone: s.options.Zone}
	var e episode.Episode
	seen := map[string]bool{}
	told, total := 0, -1
	for next := s.first(); next != ""; {
		if seen[next] {
			return errors.New("the FHIR server's pages lead in a circle")
		}
		seen[next] = true
		page, err := fetch(ctx, next)
		if err != nil {
			return err
		}
		if page.total >= 0 && total < 0 {
			total = page.total
		}
		for _, resource := range page.matches {
			if err := decoder.Decode(resource, &e); err != nil {
				return fmt.Errorf("page %d of the FHIR server, a resource %w", len(seen), err)
			}
			if err := yield(&e); err != nil {
				return err
			}
			told++
		}
		if next, err = s.follow(next, page.next); err != nil {
			return err
		}
	}
	if told == 0 && total < 0 {
		return errors.New("the FHIR server tells no episodes and no total") // a server that has none says so
	}
	if told < total {
		return fmt.Errorf("the FHIR server has %d episodes and told %d", total, told)
	}
	return nil
}

// first returns the address of the first page. It requests only the elements that are needed. A
// server may send more, and may omit the total if it sends episodes.
func (s *Server) first() string {
	u := s.options.Base.JoinPath("EpisodeOfCare")
	u.RawQuery = url.Values{
		"_count": {strconv.Itoa(s.options.PageSize)}, "_elements": {"patient,period,status,statusHistory"}, "_sort": {"_id"},
		"_total": {"accurate"}, // for the detection of missing episodes
	}.Encode()
	return u.String()
}

// Probe requests the first page, of one episode, once. It returns the total of the server (below
// zero: unknown), and whether the page has an episode.
func (s *Server) Probe(ctx context.Context) (total int, told bool, err error) {
	options := s.options
	options.PageSize, options.Tries = 1, 1
	probing := New(options)
	page, err := probing.fetcher(ctx)(ctx, probing.first())
	if err != nil {
		return 0, false, err
	}
	if len(page.matches) == 0 {
		return page.total, false, nil
	}
	decoder := source.Decoder{Base: options.Base.String(), Zone: options.Zone}
	if err := decoder.Decode(page.matches[0], new(episode.Episode)); err != nil {
		return page.total, true, fmt.Errorf("the first resource of the FHIR server %w", err)
	}
	return page.total, true, nil
}
