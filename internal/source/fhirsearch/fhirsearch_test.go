// SPDX-License-Identifier: Apache-2.0

package fhirsearch_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2/clientcredentials"

	"reporting/internal/source/episode"
	"reporting/internal/source/fhirsearch"
)

// server is a FHIR server with pages of two episodes each, and a token endpoint.
type server struct {
	*httptest.Server
	episodes int
	calls    int // for pages
	tokens   int // given out
	// trouble, when it returns true, has answered a call for a page itself.
	trouble func(w http.ResponseWriter, r *http.Request, call int) bool
}

func start(t *testing.T, episodes int) *server {
	t.Helper()
	s := &server{episodes: episodes}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /fhir/EpisodeOfCare", s.page)
	mux.HandleFunc("POST /token", s.token)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *server) token(w http.ResponseWriter, r *http.Request) {
	if id, secret, _ := r.BasicAuth(); id != "reporting" || secret != "hush" {
		http.Error(w, `{"error":"invalid_client","error_description":"hush is wrong"}`, http.StatusUnauthorized)
		return
	}
	s.tokens++
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"access_token":"token%d","token_type":"Bearer","expires_in":3600}`, s.tokens)
}

func (s *server) page(w http.ResponseWriter, r *http.Request) {
	s.calls++
	if s.trouble != nil && s.trouble(w, r, s.calls) {
		return
	}
	from, _ := strconv.Atoi(r.URL.Query().Get("from"))
	var entries []string
	for n := from; n < min(from+2, s.episodes); n++ {
		entries = append(entries, fmt.Sprintf(`{"resource":{"resourceType":"EpisodeOfCare","status":"active","patient":{"reference":"%s/fhir/Patient/%d"},"period":{"start":"2023"}},"search":{"mode":"match"}}`, s.URL, n))
	}
	entries = append(entries, `{"resource":{"resourceType":"OperationOutcome","issue":[{"severity":"warning"},{"severity":"information"}]},"search":{"mode":"outcome"}}`)
	next := ""
	if from+2 < s.episodes {
		next = fmt.Sprintf(`,{"relation":"next","url":"?from=%d"}`, from+2)
	}
	_, _ = fmt.Fprintf(w, `{"resourceType":"Bundle","type":"searchset","total":%d,"link":[{"relation":"self","url":"x"}%s],"entry":[%s]}`, s.episodes, next, strings.Join(entries, ","))
}

func (s *server) patients(ctx context.Context, change func(*fhirsearch.Options)) (names []string, err error) {
	base, err := url.Parse(s.URL + "/fhir")
	if err != nil {
		return nil, err
	}
	o := fhirsearch.Options{Base: base, Zone: time.UTC, Tries: 3, FirstPause: time.Millisecond}
	if change != nil {
		change(&o)
	}
	err = fhirsearch.New(o).Each(ctx, func(e *episode.Episode) error {
		names = append(names, e.Patient)
		return nil
	})
	return names, err
}

func credentials(s *server, secret string) func(*fhirsearch.Options) {
	return func(o *fhirsearch.Options) {
		o.Credentials = &clientcredentials.Config{ClientID: "reporting", ClientSecret: secret, TokenURL: s.URL + "/token"}
	}
}

var five = []string{"Patient/0", "Patient/1", "Patient/2", "Patient/3", "Patient/4"}

func TestPages(t *testing.T) {
	t.Parallel()
	s := start(t, 5)
	var first *http.Request
	s.trouble = func(_ http.ResponseWriter, r *http.Request, call int) bool {
		if call == 1 {
			first = r
		}
		return false
	}
	got, err := s.patients(t.Context(), credentials(s, "hush"))
	if err != nil || !slices.Equal(got, five) || s.calls != 3 || s.tokens != 1 {
		t.Errorf("%v, %v with %d calls, %d tokens", got, err, s.calls, s.tokens)
	}
	if q := first.URL.Query(); q.Get("_count") != "500" || q.Get("_total") != "accurate" || first.Header.Get("Authorization") != "Bearer token1" || first.Header.Get("Accept") != "application/fhir+json" {
		t.Errorf("asked %v with %v", q, first.Header)
	}
	if got, err := start(t, 0).patients(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("no episodes: %v, %v", got, err)
	}
	silent := start(t, 1)
	silent.trouble = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		_, _ = w.Write([]byte(`{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"EpisodeOfCare","status":"active","patient":{"reference":"Patient/0"}}}]}`))
		return true
	}
	if got, err := silent.patients(t.Context(), nil); err != nil || !slices.Equal(got, five[:1]) {
		t.Errorf("no total: %v, %v", got, err)
	}
}

// What passes is waited for, each page anew, and nothing is counted twice or left out.
func TestTemporaryErrorsAreRetried(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it waits between tries")
	}
	fail := func(status int, header ...string) func(http.ResponseWriter, *http.Request, int) bool {
		return func(w http.ResponseWriter, _ *http.Request, call int) bool {
			if call%2 == 0 {
				return false
			}
			if len(header) > 0 {
				w.Header().Set(header[0], header[1])
			}
			w.WriteHeader(status)
			return true
		}
	}
	for name, trouble := range map[string]func(http.ResponseWriter, *http.Request, int) bool{
		"503": fail(http.StatusServiceUnavailable),
		"500": fail(http.StatusInternalServerError),
		"429": fail(http.StatusTooManyRequests, "Retry-After", "1"),
		"broken off": func(w http.ResponseWriter, _ *http.Request, call int) bool {
			if call%2 == 0 {
				return false
			}
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"resourceType":"Bundle"`))
			return true
		},
		"token ended": func(w http.ResponseWriter, r *http.Request, call int) bool {
			if call > 1 && r.Header.Get("Authorization") == "Bearer token1" {
				w.WriteHeader(http.StatusUnauthorized)
				return true
			}
			return false
		},
	} {
		s := start(t, 5)
		s.trouble = trouble
		if got, err := s.patients(t.Context(), credentials(s, "hush")); err != nil || !slices.Equal(got, five) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// What does not pass ends as an error that says what to look at, and shows no secret.
func TestPermanentErrorsAreNotRetried(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked another server") }))
	t.Cleanup(elsewhere.Close)
	body := func(text string) func(http.ResponseWriter, *http.Request, int) bool {
		return func(w http.ResponseWriter, _ *http.Request, _ int) bool {
			_, _ = w.Write([]byte(text))
			return true
		}
	}
	outcome := func(issues string) func(http.ResponseWriter, *http.Request, int) bool {
		return body(`{"resourceType":"Bundle","type":"searchset","total":1,"entry":[{"resource":{"resourceType":"OperationOutcome","issue":` + issues + `},"search":{"mode":"outcome"}},` +
			`{"resource":{"resourceType":"EpisodeOfCare","status":"active","patient":{"reference":"Patient/1"}}}]}`)
	}
	status := func(code int) func(http.ResponseWriter, *http.Request, int) bool {
		return func(w http.ResponseWriter, _ *http.Request, _ int) bool {
			w.WriteHeader(code)
			return true
		}
	}
	for name, c := range map[string]struct {
		trouble func(http.ResponseWriter, *http.Request, int) bool
		want    string
		calls   int
	}{
		"503 for ever":    {status(http.StatusServiceUnavailable), "answers with 503", 3},
		"403":             {status(http.StatusForbidden), "answers with 403", 1},
		"401":             {status(http.StatusUnauthorized), "refuses the service's token", 2},
		"not FHIR":        {body("<html>"), "no JSON of a Bundle", 1},
		"another Bundle":  {body(`{"resourceType":"Bundle","type":"collection"}`), "searchset", 1},
		"a bad resource":  {body(`{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"EpisodeOfCare"}}]}`), "EpisodeOfCare.status", 1},
		"fewer than told": {body(`{"resourceType":"Bundle","type":"searchset","total":7}`), "has 7 episodes and told 0", 1},
		"another port":    {body(`{"resourceType":"Bundle","type":"searchset","link":[{"relation":"next","url":"` + elsewhere.URL + `/x"}]}`), "has another port", 1},
		"an error inside": {outcome(`[{"severity":"warning"},{"severity":"error","diagnostics":"token1"}]`), "the FHIR server's answer tells of an error", 1},
		"a fatal one":     {outcome(`[{"severity":"fatal"}]`), "the FHIR server's answer tells of an error", 1},
		"an odd outcome":  {outcome(`"token1"`), "no JSON of an OperationOutcome", 1},
		"nothing told":    {body(`{"resourceType":"Bundle","type":"searchset"}`), "tells no episodes and no total", 1},
		"but a warning":   {body(`{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"OperationOutcome","issue":[{"severity":"warning"}]},"search":{"mode":"outcome"}}]}`), "tells no episodes and no total", 1},
		"a circle":        {body(`{"resourceType":"Bundle","type":"searchset","link":[{"relation":"next","url":"?from=2"}]}`), "circle", 2},
		"sent elsewhere": {func(w http.ResponseWriter, r *http.Request, _ int) bool {
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
			return true
		}, "answers with 302", 1},
	} {
		s := start(t, 5)
		s.trouble = c.trouble
		_, err := s.patients(t.Context(), credentials(s, "hush"))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "token1") || s.calls != c.calls {
			t.Errorf("%s: %v after %d calls", name, err, s.calls)
		}
	}
	s := start(t, 5)
	if _, err := s.patients(t.Context(), credentials(s, "wrong")); err == nil || !strings.Contains(err.Error(), "refuses the service's credentials (401)") || strings.Contains(err.Error(), "hush") {
		t.Errorf("wrong secret: %v", err)
	}
	s.Close()
	if _, err := s.patients(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "cannot be reached") || strings.Contains(err.Error(), "EpisodeOfCare") {
		t.Errorf("no server: %v", err)
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := start(t, 5)
	ctx, cancel := context.WithCancel(t.Context())
	s.trouble = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		cancel()
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	if _, err := s.patients(ctx, func(o *fhirsearch.Options) { o.FirstPause = time.Hour }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
