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

// Fault is a failure of a provider.
type Fault int

// The faults. All but EmptySet apply to the discovery document and the key set.
const (
	// Healthy is no fault.
	Healthy Fault = iota
	// Down closes the connection without a response.
	Down
	// Unavailable responds 503 with a page, as a load balancer does.
	Unavailable
	// Hang sends nothing until the client disconnects.
	Hang
	// ErrorJSON responds 200 with an error in JSON.
	ErrorJSON
	// EmptySet responds with a key set without keys.
	EmptySet
	// Huge responds with 2 MiB of white space before the JSON.
	Huge
	// Redirect responds 302 to an address with the correct response.
	Redirect
)

// healthy is the prefix of the addresses to which Redirect redirects.
const healthy = "/healthy"

// Break makes the provider fail from now on. Break(Healthy) ends that.
func (p *IDP) Break(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
}

// Discovery replaces fields of the discovery document. Nil restores the document.
func (p *IDP) Discovery(fields Fields) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.discovery = fields
}

// Hits returns the number of requests for path, failed ones included.
func (p *IDP) Hits(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hits[path]
}

// ServeHTTP implements http.Handler.
func (p *IDP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault, document := p.respond(r.URL.Path)
	switch fault {
	case Down:
		panic(http.ErrAbortHandler) // makes net/http close the connection
	case Unavailable:
		http.Error(w, "<html>come back later</html>", http.StatusServiceUnavailable)
		return
	case Hang:
		<-r.Context().Done()
		return
	case ErrorJSON:
		document = Fields{"error": "temporarily_unavailable"}
	case Huge:
		blank := strings.Repeat(" ", 1<<20)
		for range 2 {
			if _, err := io.WriteString(w, blank); err != nil {
				return // the client disconnected, as it should
			}
		}
	case Redirect:
		http.Redirect(w, r, p.Issuer()+healthy+r.URL.Path, http.StatusFound) //nolint:gosec // to ourselves
		return
	case Healthy, EmptySet:
	}
	if document == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(document) //nolint:errchkjson // the client has disconnected
}

func (p *IDP) respond(path string) (Fault, Fields) {
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

// Transport returns a transport to the provider without a network, for clients inside a
// testing/synctest bubble. There, waiting for a socket would stop the clock.
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
	response := httptest.NewRecorder()
	t.idp.ServeHTTP(response, r)
	if err := r.Context().Err(); err != nil {
		return nil, fmt.Errorf("wait for response: %w", err)
	}
	return response.Result(), nil
}
