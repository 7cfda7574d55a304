// SPDX-License-Identifier: Apache-2.0

package fhirsearch_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/oauth2/clientcredentials"

	"reporting/internal/source/fhirsearch"
)

// A token endpoint that leads elsewhere would take the secret along.
func TestRedirectsDoNotGetTheSecret(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		s := start(t, 5)
		elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			t.Errorf("%d: asked another server with %v", status, r.Header)
		}))
		t.Cleanup(elsewhere.Close)
		endpoint := httptest.NewServer(http.RedirectHandler(elsewhere.URL+"/hush", status))
		t.Cleanup(endpoint.Close)
		_, err := s.patients(t.Context(), func(o *fhirsearch.Options) {
			o.Credentials = &clientcredentials.Config{ClientID: "reporting", ClientSecret: "hush", TokenURL: endpoint.URL}
		})
		if err == nil || !strings.Contains(err.Error(), "the token endpoint leads elsewhere (3") || strings.Contains(err.Error(), "hush") || s.calls != 0 {
			t.Errorf("%d: %v after %d calls", status, err, s.calls)
		}
	}
}

// The User-Agent tells operators of the servers which program calls.
func TestUserAgent(t *testing.T) {
	t.Parallel()
	s := start(t, 5)
	var mu sync.Mutex
	asked := map[string][]string{} // by path
	inner := s.Config.Handler
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked[r.URL.Path] = append(asked[r.URL.Path], r.UserAgent())
		mu.Unlock()
		inner.ServeHTTP(w, r)
	})
	if _, err := s.patients(t.Context(), credentials(s, "hush")); err != nil {
		t.Fatal(err)
	}
	const name = "reporting"
	if !slices.Equal(asked["/fhir/EpisodeOfCare"], []string{name, name, name}) || !slices.Equal(asked["/token"], []string{name}) {
		t.Errorf("%v", asked)
	}
}
