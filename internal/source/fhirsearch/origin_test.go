// SPDX-License-Identifier: Apache-2.0

package fhirsearch

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestOrigin(t *testing.T) {
	t.Parallel()
	const first, second = "https://fhir.example.org/fhir", "http://[FE80::1]:8080/fhir"
	for _, c := range []struct{ base, link, want string }{
		{first, "?page=2", ""},
		{first, "https://fhir.example.org/other?page=2", ""},
		{first, "HTTPS://FHIR.Example.ORG:443/fhir?page=2", ""},
		{"HTTPS://FHIR.example.org:443/fhir", "https://fhir.example.org?page=2", ""},
		{"https://fhir.example.org:/fhir", "https://fhir.example.org?page=2", ""},
		{second, "http://[fe80::1]:8080/fhir?page=2", ""},
		{second, "http://[fe80::2]:8080/fhir?page=2", "leads to another server"},
		{second, "http://[fe80::1]/fhir?page=2", "has another port than the address that was asked"},
		{first, "https://elsewhere.example.org/fhir?page=2", "leads to another server"},
		{first, "http://elsewhere.example.org:8080/fhir?page=2", "leads to another server"},
		{first, "//elsewhere.example.org/fhir?page=2", "leads to another server"},
		{first, "mailto:elsewhere", "leads to another server"},
		{first, "http://fhir.example.org/fhir?page=2", "has another scheme than the address that was asked"},
		{first, "https://fhir.example.org:8443/fhir?page=2", "has another port than the address that was asked"},
		{first, "https://fhir.example.org:80/fhir?page=2", "has another port than the address that was asked"},
		{first, "http://fhir.example.org:443/fhir?page=2", "has another scheme than the address that was asked"},
		{first, "http://fhir.example.org:8080/fhir?page=2", "has another scheme and port than the address that was asked"},
		{first, "https://elsewhere@fhir.example.org/fhir?page=2", "names a user"},
		{first, "https://%zz", "is no URL"},
	} {
		base, err := url.Parse(c.base)
		if err != nil {
			t.Fatal(err)
		}
		s := New(Options{Base: base, Zone: time.UTC})
		next, err := s.follow(s.first(), c.link)
		if c.want != "" {
			if err == nil || err.Error() != "the FHIR server's link to the next page "+c.want {
				t.Errorf("%s of %s: %s, %v", c.link, c.base, next, err)
			}
		} else if err != nil || !strings.Contains(next, "page=2") {
			t.Errorf("%s of %s: %s, %v", c.link, c.base, next, err)
		}
		to, err := s.options.Base.Parse(c.link)
		if err != nil {
			continue
		}
		if stays := s.stayAtOrigin(&http.Request{URL: to}, nil) == nil; stays != (c.want == "") {
			t.Errorf("a redirect to %s of %s is followed: %v", c.link, c.base, stays)
		}
	}
}
