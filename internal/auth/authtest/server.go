// SPDX-License-Identifier: Apache-2.0

package authtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
)

// Fault is a way in which a provider fails.
type Fault int

// The faults. All but EmptySet strike the discovery document and the key set alike.
const (
	// Healthy is the absence of any fault.
	Healthy Fault = iota
	// Down breaks the connection without an answer.
	Down
	// Unavailable answers 503 with a page, as a load balancer does.
	Unavailable
	// Hang answers nothing until the client gives up.
	Hang
	// ErrorJSON answers 200 with an error in JSON.
	ErrorJSON
	// EmptySet answers with a key set that has no keys.
	EmptySet
	// Huge answers with 2 MiB of white space before the JSON.
	Huge
	// Redirect answers 302 to a place where the right answer is.
	Redirect
)

// healthy is the prefix under which Redirect hides the right answers.
const healthy = "/healthy"

// Break makes the provider fail from now on; Break(Healthy) mends it.
func (p *IDP) Break(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
}

// Discovery makes fields of the discovery document differ from the truth; nil tells it again.
func (p *IDP) Discovery(fields Fields) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.discovery = fields
}

// Hits is how often the path was asked for, faults included.
func (p *IDP) Hits(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hits[path]
}

// ServeHTTP answers as the provider.
func (p *IDP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault, answer := p.answer(r.URL.Path)
	switch fault {
	case Down:
		panic(http.ErrAbortHandler) // the one panic net/http takes for "drop the connection"
	case Unavailable:
		http.Error(w, "<html>come back later</html>", http.StatusServiceUnavailable)
		return
	case Hang:
		<-r.Context().Done()
		return
	case ErrorJSON:
		answer = Fields{"error": "temporarily_unavailable"}
	case Huge:
		blank := strings.Repeat(" ", 1<<20)
		for range 2 {
			if _, err := io.WriteString(w, blank); err != nil {
				return // the client has had enough, which is right
			}
		}
	case Redirect:
		http.Redirect(w, r, p.Issuer()+healthy+r.URL.Path, http.StatusFound) //nolint:gosec // to ourselves
		return
	case Healthy, EmptySet:
	}
	if answer == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) //nolint:errchkjson // a client that has gone misses nothing
}

func (p *IDP) answer(path string) (Fault, Fields) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hits[path]++
	fault := p.fault
	if rest, found := strings.CutPrefix(path, healthy); found {
		fault, path = Healthy, rest
	}
	switch path {
	case DiscoveryPath:
		document := Fields{"issuer": p.Issuer(), "jwks_uri": p.KeysURL()}
		maps.Copy(document, p.discovery)
		return fault, document
	case KeysPath:
		if fault == EmptySet {
			return fault, Fields{"keys": []Fields{}}
		}
		return fault, p.keySet()
	}
	return Healthy, nil
}

// Transport reaches the provider without a network, so that clients can be tested inside a
// testing/synctest bubble, where waiting for a socket would stop the clock.
func (p *IDP) Transport() http.RoundTripper { return transport{p} }

type transport struct{ idp *IDP }

func (t transport) RoundTrip(r *http.Request) (_ *http.Response, err error) {
	defer func() {
		switch thrown := recover(); thrown {
		case nil:
		case http.ErrAbortHandler:
			err = errors.New("connection dropped")
		default:
			panic(thrown)
		}
	}()
	answer := httptest.NewRecorder()
	t.idp.ServeHTTP(answer, r)
	if err := r.Context().Err(); err != nil {
		return nil, fmt.Errorf("wait for answer: %w", err)
	}
	return answer.Result(), nil
}
