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
	mostPage  = 64 << 20 // bytes
	mostPause = time.Minute
)

// fetcher returns a function that gets one page. A page is got again as a whole when it
// did not come or came in part: the tools at hand look at no body.
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
		pauses.InitialInterval, pauses.Multiplier, pauses.MaxInterval = s.options.FirstPause, 2, mostPause
		return backoff.Retry(ctx, func() (page, error) {
			p, err := s.get(ctx, address, tokens)
			if errors.Is(err, errRefused) && !refused && tokens != nil {
				refused = true // once: a token may end before its time
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

// tokenClient asks for tokens. It follows no redirect: the secret would go along.
func tokenClient() *http.Client {
	return &http.Client{
		Timeout: pageTimeout, Transport: named{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// named tells servers who asks, also where requests are made by a library.
type named struct{}

// RoundTrip implements http.RoundTripper.
func (named) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context()) // a transport may not change what it is given
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
	body, err := io.ReadAll(io.LimitReader(response.Body, mostPage+1))
	switch {
	case err != nil:
		return page{}, errors.New("the FHIR server's answer broke off")
	case len(body) > mostPage:
		return page{}, backoff.Permanent(fmt.Errorf("a page of the FHIR server has more than %d MiB", mostPage>>20))
	}
	p, err := readPage(body)
	if err != nil {
		return page{}, backoff.Permanent(err)
	}
	return p, nil
}

// tokenError tells what is wrong with the token endpoint, and not what it said: that may
// hold the secret.
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

// check returns why an answer is no page. Of these some pass.
func check(r *http.Response) error {
	switch {
	case r.StatusCode == http.StatusOK:
		return nil
	case r.StatusCode == http.StatusUnauthorized:
		return errRefused
	case r.StatusCode == http.StatusTooManyRequests || r.StatusCode >= http.StatusInternalServerError:
		if seconds, err := strconv.Atoi(r.Header.Get("Retry-After")); err == nil && seconds > 0 {
			return fmt.Errorf("the FHIR server answers with %d: %w", r.StatusCode, backoff.RetryAfter(min(seconds, int(mostPause.Seconds()))))
		}
		return fmt.Errorf("the FHIR server answers with %d", r.StatusCode)
	}
	return backoff.Permanent(fmt.Errorf("the FHIR server answers with %d", r.StatusCode))
}
