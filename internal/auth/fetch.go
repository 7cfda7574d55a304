// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/MicahParks/jwkset"
)

// maxResponse is the maximum size of a response of a key server, in bytes.
const maxResponse = 1 << 20

// source loads the keys of an issuer.
type source struct {
	issuer  string
	keysURL string // empty: from the discovery document
	client  *http.Client
	seen    func(*http.Response) // called with each response; may be nil
}

// fetch returns the usable keys, at least one. fetchTimeout limits both requests together.
func (s source) fetch(ctx context.Context) ([]jwkset.JWK, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	address := s.keysURL
	if address == "" {
		var err error
		if address, err = s.discover(ctx); err != nil {
			return nil, fmt.Errorf("discover key set: %w", err)
		}
	}
	keys, _, err := s.fetchKeys(ctx, address)
	return keys, err
}

// fetchKeys returns the usable keys of the set at address, at least one, and the number of all
// keys.
func (s source) fetchKeys(ctx context.Context, address string) (keys []jwkset.JWK, all int, err error) {
	document, err := s.get(ctx, address)
	if err != nil {
		return nil, 0, fmt.Errorf("fetch key set: %w", err)
	}
	var list []json.RawMessage
	if json.Unmarshal(document["keys"], &list) != nil {
		return nil, 0, errors.New("read key set: it has no array of keys")
	}
	if keys = usableKeys(list); len(keys) == 0 {
		return nil, len(list), fmt.Errorf("read key set: none of its %d keys is usable", len(list))
	}
	return keys, len(list), nil
}

// discover returns the jwks_uri of the issuer (OpenID Connect Discovery 1.0 sections 4.1 to 4.3). It
// is called for every load, so that it finds a moved key set.
func (s source) discover(ctx context.Context) (string, error) {
	document, err := s.get(ctx, strings.TrimSuffix(s.issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return "", err
	}
	if name, ok := readString(document["issuer"]); !ok || name != s.issuer {
		return "", fmt.Errorf("discovery document has another issuer: %.200q", name)
	}
	address, ok := readString(document["jwks_uri"])
	if !ok || checkURL(address) != nil {
		return "", errors.New("jwks_uri is not a URL")
	}
	keys, err := url.Parse(address)
	if err != nil {
		return "", errors.New("jwks_uri is not a URL")
	}
	own, err := url.Parse(s.issuer)
	if err != nil {
		return "", errors.New("issuer is not a URL")
	}
	if keys.Scheme != "https" && keys.Scheme != own.Scheme && !isLoopback(keys.Hostname()) {
		return "", errors.New("jwks_uri has no TLS, but the issuer has")
	}
	return address, nil
}

// get fetches one JSON object. Every status but 200 is an error, redirects included.
func (s source) get(ctx context.Context, address string) (map[string]json.RawMessage, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Accept", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // read only
	if s.seen != nil {
		s.seen(response)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("server responded with status %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxResponse+1))
	if err != nil {
		return nil, fmt.Errorf("read response: %w", err)
	}
	if len(body) > maxResponse {
		return nil, fmt.Errorf("response has more than %d bytes", maxResponse)
	}
	fields, err := readObject(body)
	if err != nil {
		return nil, fmt.Errorf("read response: %w", err)
	}
	return fields, nil
}
