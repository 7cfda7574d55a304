// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

const (
	fetchTimeout  = 5 * time.Second
	maxHeaderSize = 64 << 10
)

// hardened returns a copy of client that follows no redirect and stores no cookies. The default
// client keeps no idle connections, because minutes pass between two requests.
func hardened(client *http.Client) *http.Client {
	if client == nil {
		client = &http.Client{Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: fetchTimeout}).DialContext,
			TLSHandshakeTimeout:    fetchTimeout,
			ForceAttemptHTTP2:      true,
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: maxHeaderSize,
		}}
	}
	out := *client
	out.Jar = nil
	out.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &out
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// checkURL accepts the forms of an issuer that OpenID Connect Discovery 1.0 section 3 allows, and
// plain http, which providers inside a cluster use.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return errors.New("not a URL") // the parser's error contains the URL with its password
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		return fmt.Errorf("%q is not an absolute http(s) URL", u.Redacted())
	}
	if u.User != nil || u.Fragment != "" {
		return fmt.Errorf("%q has a user or a fragment", u.Redacted())
	}
	return nil
}
