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

// maxAnswer bounds what a key server can make us read.
const maxAnswer = 1 << 20

// source is where the keys of an issuer come from.
type source struct {
	issuer  string
	keysURL string // empty: as the discovery document says
	client  *http.Client
	seen    func(*http.Response) // is shown each answer; nil: nobody wants to see
}

// fetch returns the usable keys, at least one. Both requests together have one time limit.
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

// fetchKeys returns the usable keys of the set at address, at least one, and how many there
// are in all.
func (s source) fetchKeys(ctx context.Context, address string) (keys []jwkset.JWK, all int, err error) {
	answer, err := s.get(ctx, address)
	if err != nil {
		return nil, 0, fmt.Errorf("fetch key set: %w", err)
	}
	var list []json.RawMessage
	if json.Unmarshal(answer["keys"], &list) != nil {
		return nil, 0, errors.New("read key set: no array of keys")
	}
	if keys = usableKeys(list); len(keys) == 0 {
		return nil, len(list), fmt.Errorf("read key set: none of its %d keys is usable", len(list))
	}
	return keys, len(list), nil
}

// discover returns the jwks_uri of the issuer (OpenID Connect Discovery 1.0 sections 4.1 to 4.3).
// It is asked anew each time, so that a moved key set is found.
func (s source) discover(ctx context.Context) (string, error) {
	answer, err := s.get(ctx, strings.TrimSuffix(s.issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return "", err
	}
	if name, ok := readString(answer["issuer"]); !ok || name != s.issuer {
		return "", fmt.Errorf("document is of another issuer: %.200q", name)
	}
	address, ok := readString(answer["jwks_uri"])
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
		return "", errors.New("jwks_uri is less protected than the issuer")
	}
	return address, nil
}

// get fetches one JSON object. Anything but a plain 200 is an error, redirects included.
func (s source) get(ctx context.Context, address string) (map[string]json.RawMessage, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Accept", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask server: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // nothing was written that could be lost
	if s.seen != nil {
		s.seen(response)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("server answered %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("answer is above %d bytes", maxAnswer)
	}
	fields, err := readObject(body)
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	return fields, nil
}
