// SPDX-License-Identifier: Apache-2.0

package fhirsearch

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// stay keeps requests, and with them the token, at the origin of the server.
func (s *Server) stayAtOrigin(to *http.Request, via []*http.Request) error {
	const most = 3
	if otherOrigin(to.URL, s.options.Base) != "" || len(via) >= most {
		return http.ErrUseLastResponse
	}
	return nil
}

// follow returns the address of the next page, or an empty string after the last one. It refuses
// a link to another origin, which would receive the token.
func (s *Server) follow(from, link string) (string, error) {
	if link == "" {
		return "", nil
	}
	at, err := url.Parse(from)
	if err != nil {
		return "", errors.New("the FHIR server's page has no usable address")
	}
	next, err := at.Parse(link)
	if err != nil {
		return "", errors.New("the FHIR server's link to the next page is no URL")
	}
	if why := otherOrigin(next, s.options.Base); why != "" {
		return "", errors.New("the FHIR server's link to the next page " + why)
	}
	return next.String(), nil
}

// strange returns how the origin of a URL differs from that of base (RFC 6454: scheme, host and
// port), or an empty string. It names no host, because users read it. Servers behind a proxy
// often get the scheme or the port wrong.
func otherOrigin(u, base *url.URL) string {
	scheme := !strings.EqualFold(u.Scheme, base.Scheme)
	given, usual := port(u)
	asked, also := port(base)
	other := given != asked && (!usual || !also)
	switch {
	case !strings.EqualFold(u.Hostname(), base.Hostname()):
		return "leads to another server"
	case scheme && other:
		return "has another scheme and port than the address that was asked"
	case scheme:
		return "has another scheme than the address that was asked"
	case other:
		return "has another port than the address that was asked"
	case u.User != nil:
		return "names a user"
	}
	return ""
}

// port returns the port of a URL, and whether it is the default port of the scheme.
func port(u *url.URL) (number string, usual bool) {
	standard := map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
	if number = u.Port(); number == "" {
		number = standard
	}
	return number, number == standard
}
