// SPDX-License-Identifier: Apache-2.0

package fhirsearch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/oauth2"
)

const (
	maxPage  = 64 << 20 // bytes
	maxPause = time.Minute
)

// fetcher returns a function that gets one page, with retries. A page that arrived in part is
// read again as a whole. The HTTP libraries with retries do not read the body.
func (s *Server) fetcher(ctx context.Context) func(context.Context, string) (page, error) {
	var tokens oauth2.TokenSource
	renew := func() {
		if s.options.Credentials != nil {
			tokens = s.options.Credentials.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, tokenClient()))
		}
	}
	renew()
	return func(ctx context.Context, address string) (page, error) {
		refused := false
		pauses := backoff.NewExponentialBackOff()
		pauses.InitialInterval, pauses.Multiplier, pauses.MaxInterval = s.options.FirstPause, 2, maxPause
		return backoff.Retry(ctx, func() (page, error) {
			p, err := s.get(ctx, address, tokens)
			if errors.Is(err, errRefused) && !refused && tokens != nil {
				refused = true // retry once: a token can be revoked
				renew()
				p, err = s.get(ctx, address, tokens)
			}
			if errors.Is(err, errRefused) {
				return p, backoff.Permanent(err)
			}
			return p, err
		}, backoff.WithBackOff(pauses), backoff.WithMaxTries(s.options.Tries), backoff.WithMaxElapsedTime(0))
	}
}

// tokenClient returns a client for the token endpoint. It follows no redirect, because a
// redirect would forward the secret.
func tokenClient() *http.Client {
	return &http.Client{
		Timeout: pageTimeout, Transport: userAgent{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// named sets the User-Agent, also for requests of a library.
type userAgent struct{}

// RoundTrip implements http.RoundTripper.
func (userAgent) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context()) // a RoundTripper must not change its argument
	r.Header.Set("User-Agent", "reporting")
	return http.DefaultTransport.RoundTrip(r)
}

var errRefused = errors.New("the FHIR server refuses the service's token (401)")

func (s *Server) get(ctx context.Context, address string, tokens oauth2.TokenSource) (page, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return page{}, backoff.Permanent(errors.New("the FHIR server's address is no URL"))
	}
	request.Header.Set("Accept", "application/fhir+json")
	if tokens != nil {
		token, err := tokens.Token()
		if err != nil {
			return page{}, tokenError(err)
		}
		token.SetAuthHeader(request)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return page{}, errors.New("the FHIR server cannot be reached, or does not answer") // err holds the address
	}
	defer func() { _ = response.Body.Close() }()
	if err := check(response); err != nil {
		return page{}, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxPage+1))
	switch {
	case err != nil:
		return page{}, errors.New("the FHIR server's answer broke off")
	case len(body) > maxPage:
		return page{}, backoff.Permanent(fmt.Errorf("a page of the FHIR server has more than %d MiB", maxPage>>20))
	}
	p, err := readPage(body)
	if err != nil {
		return page{}, backoff.Permanent(err)
	}
	return p, nil
}

// tokenError returns an error about the token endpoint without its response, which may contain
// the secret.
func tokenError(err error) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.Response != nil {
		switch status := refused.Response.StatusCode; {
		case status >= http.StatusMultipleChoices && status < http.StatusBadRequest:
			return backoff.Permanent(fmt.Errorf("the token endpoint leads elsewhere (%d), where the service's secret is not sent", status))
		case status < http.StatusInternalServerError:
			return backoff.Permanent(fmt.Errorf("the token endpoint refuses the service's credentials (%d)", status))
		}
	}
	return errors.New("the token endpoint cannot be reached, or does not answer")
}

// check returns an error for a response that is not a page. Some of these errors are temporary.
func check(r *http.Response) error {
	switch {
	case r.StatusCode == http.StatusOK:
		return nil
	case r.StatusCode == http.StatusUnauthorized:
		return errRefused
	case r.StatusCode == http.StatusTooManyRequests || r.StatusCode >= http.StatusInternalServerError:
		if seconds, err := strconv.Atoi(r.Header.Get("Retry-After")); err == nil && seconds > 0 {
			return fmt.Errorf("the FHIR server answers with %d: %w", r.StatusCode, backoff.RetryAfter(min(seconds, int(maxPause.Seconds()))))
		}
		return fmt.Errorf("the FHIR server answers with %d", r.StatusCode)
	}
	return backoff.Permanent(fmt.Errorf("the FHIR server answers with %d", r.StatusCode))
}
