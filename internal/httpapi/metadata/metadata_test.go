// SPDX-License-Identifier: Apache-2.0

package metadata_test

import (
	"net/http"
	"strings"
	"testing"

	"reporting/internal/fhir"
	"reporting/internal/httpapi"
	"reporting/internal/httpapi/httpapitest"
	"reporting/internal/httpapi/metadata"
)

func api(t *testing.T) http.Handler {
	t.Helper()
	operations := []httpapi.Operation{
		{Operation: fhir.Operation{Name: "listed", Title: "Listed"}},
		{Operation: fhir.Operation{Name: "hidden", Title: "Hidden"}, Unlisted: true},
	}
	routes, err := metadata.Routes(fhir.Server{Base: httpapitest.Base}, operations)
	if err != nil {
		t.Fatal(err)
	}
	return httpapitest.New(t, operations, routes)
}

func TestResponsesWithoutAToken(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		method, path string
		header       map[string]string
		body         string
		status       int
		contains     string
		lacks        string
	}{
		"CapabilityStatement":         {method: "GET", path: "/metadata", status: 200, contains: "/OperationDefinition/-s-listed", lacks: "hidden"},
		"HEAD":                        {method: "HEAD", path: "/metadata", status: 200},
		"in XML":                      {method: "GET", path: "/metadata?_format=xml", status: 200, contains: "<CapabilityStatement"},
		"whatever Accept says":        {method: "GET", path: "/metadata", header: map[string]string{"Accept": "image/png"}, status: 200, contains: "CapabilityStatement"},
		"an unknown _format":          {method: "GET", path: "/metadata?_format=png", status: 406},
		"a method that is not served": {method: "DELETE", path: "/metadata", status: 405},
		"OperationDefinition":         {method: "GET", path: "/OperationDefinition/-s-listed", status: 200, contains: `"code":"listed"`},
		"an unlisted operation":       {method: "GET", path: "/OperationDefinition/-s-hidden", status: 404, contains: "GENERAL_RESOURCE_NOT_FOUND"},
		"no acceptable format":        {method: "GET", path: "/OperationDefinition/-s-listed", header: map[string]string{"Accept": "image/png"}, status: 406},
		"search":                      {method: "GET", path: "/OperationDefinition", status: 200, contains: `"total":1`},
		"search by code":              {method: "GET", path: "/OperationDefinition?code=other,listed", status: 200, contains: `"total":1`},
		"search in vain":              {method: "GET", path: "/OperationDefinition?code=other", status: 200, contains: `"total":0`},
		"search with a modifier":      {method: "GET", path: "/OperationDefinition?code:not=x", status: 400},
		"an unknown parameter":        {method: "GET", path: "/OperationDefinition?name=x", status: 200, contains: `"total":1`},
		"an unknown parameter, strictly": {
			method: "GET", path: "/OperationDefinition?name=x", header: map[string]string{"Prefer": "handling=strict"}, status: 400, contains: "name",
		},
		"a malformed query": {method: "GET", path: "/OperationDefinition?code=%zz", status: 400},
		"search with a form": {
			method: "POST", path: "/OperationDefinition/_search", header: map[string]string{"Content-Type": form}, body: "code=other", status: 200, contains: `"total":0`,
		},
		"_format in a form": {
			method: "POST", path: "/OperationDefinition/_search", header: map[string]string{"Content-Type": form}, body: "_format=xml", status: 200, contains: "<Bundle",
		},
		"a form of another type": {method: "POST", path: "/OperationDefinition/_search", body: "code=other", status: 415},
		"a long form": {
			method: "POST", path: "/OperationDefinition/_search", header: map[string]string{"Content-Type": form}, body: strings.Repeat("x", 9<<10), status: 413,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httpapitest.Do(api(t), httpapitest.Request{Method: c.method, Path: c.path, Header: c.header, Body: c.body})
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.contains) || c.lacks != "" && strings.Contains(w.Body.String(), c.lacks) {
				t.Errorf("got %d: %.500s", w.Code, w.Body)
			}
		})
	}
}

func TestCaching(t *testing.T) {
	t.Parallel()
	handler := api(t)
	for _, path := range []string{"/metadata", "/OperationDefinition", "/OperationDefinition/-s-listed"} {
		w := httpapitest.Do(handler, httpapitest.Request{Method: "GET", Path: path})
		etag := w.Header().Get("Etag")
		if etag == "" || w.Header().Get("Cache-Control") != "public, max-age=300" {
			t.Errorf("%s: got ETag %q, Cache-Control %q", path, etag, w.Header().Get("Cache-Control"))
		}
		again := httpapitest.Do(handler, httpapitest.Request{Method: "GET", Path: path, Header: map[string]string{"If-None-Match": etag}})
		if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("%s: got %d for its own ETag", path, again.Code)
		}
	}
	if w := httpapitest.Do(handler, httpapitest.Request{Method: "POST", Path: "/OperationDefinition/_search"}); w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("POST: got Cache-Control %q", w.Header().Get("Cache-Control"))
	}
}
