// SPDX-License-Identifier: Apache-2.0

package binary_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"reporting/internal/auth"
	"reporting/internal/httpapi"
	"reporting/internal/httpapi/binary"
	"reporting/internal/httpapi/httpapitest"
	"reporting/internal/report"
)

const data = "PK: the data of a report"

var updated = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// fakeStore holds Binary 7 of user u, in version 2, and the deleted Binary 8.
type fakeStore struct {
	pieceErr error
	deleted  []int64
}

func (s *fakeStore) Binary(_ context.Context, key report.BinaryKey) (report.Binary, error) {
	switch {
	case key.UserID == "u" && key.ID == 7 && (key.Version == 0 || key.Version == 2):
		return report.Binary{
			ID: 7, Version: 2, UserID: "u", ContentType: "application/zip", FileName: "report.zip", LastUpdated: updated, Size: int64(len(data)),
		}, nil
	case key.UserID == "u" && key.ID == 8:
		return report.Binary{}, &report.Error{Kind: report.Deleted}
	}
	return report.Binary{}, &report.Error{Kind: report.NotFound}
}

func (s *fakeStore) Piece(_ context.Context, _ report.BinaryKey, _ int, buffer []byte) ([]byte, error) {
	return append(buffer, data...), s.pieceErr
}

func (s *fakeStore) Delete(_ context.Context, userID string, id int64) error {
	if userID != "u" || id != 7 {
		return &report.Error{Kind: report.NotFound}
	}
	s.deleted = append(s.deleted, id)
	return nil
}

func api(t *testing.T, store *fakeStore) http.Handler {
	t.Helper()
	return httpapitest.New(t, nil, binary.Routes(store, httpapitest.Base, httpapitest.Now))
}

var reader = auth.Principal{UserID: "u", Roles: []string{"Binary.read"}}

func TestReadResponses(t *testing.T) {
	t.Parallel()
	const fhirJSON = "application/fhir+json"
	for name, c := range map[string]struct {
		store   fakeStore
		method  string
		path    string
		caller  auth.Principal
		request map[string]string
		status  int
		want    map[string]string // headers
		body    string            // contained
	}{
		"no token":              {method: "GET", path: "/Binary/7", status: 401, want: map[string]string{"Content-Disposition": "", "Etag": ""}},
		"no role":               {method: "GET", path: "/Binary/7", caller: auth.Principal{UserID: "u"}, status: 403, body: "Binary.read"},
		"another user":          {method: "GET", path: "/Binary/7", caller: auth.Principal{UserID: "v", Roles: reader.Roles}, status: 404, body: "Binary with id 7 is not found"},
		"an id that no one has": {method: "GET", path: "/Binary/9", caller: reader, status: 404},
		"an id of letters":      {method: "GET", path: "/Binary/x", caller: reader, status: 404},
		"a negative id":         {method: "GET", path: "/Binary/-7", caller: reader, status: 404},
		"deleted":               {method: "GET", path: "/Binary/8", caller: reader, status: 410, body: "was deleted"},
		"an old version":        {method: "GET", path: "/Binary/7/_history/1", caller: reader, status: 404, body: "7 and version 1"},
		"version zero":          {method: "GET", path: "/Binary/7/_history/0", caller: reader, status: 404},
		"the bytes": {
			method: "GET", path: "/Binary/7", caller: reader, status: 200, body: data,
			want: map[string]string{
				"Content-Type": "application/zip", "Etag": `W/"2"`, "Last-Modified": "Tue, 03 Feb 2026 04:05:06 GMT",
				"Content-Disposition": "attachment; filename=report.zip", "Content-Location": httpapitest.Base + "/Binary/7/_history/2",
			},
		},
		"a version": {method: "GET", path: "/Binary/7/_history/2", caller: reader, status: 200, body: data},
		"a resource": {
			method: "GET", path: "/Binary/7", caller: reader, request: map[string]string{"Accept": fhirJSON}, status: 200, body: `"contentType":"application/zip"`,
			want: map[string]string{"Content-Type": fhirJSON + "; charset=UTF-8", "Etag": `W/"2"`, "Content-Disposition": ""},
		},
		"HEAD of the bytes": {method: "HEAD", path: "/Binary/7", caller: reader, status: 200, want: map[string]string{"Content-Type": "application/zip", "Etag": `W/"2"`}},
		"a range": {
			method: "GET", path: "/Binary/7", caller: reader, request: map[string]string{"Range": "bytes=0-1"}, status: 206, body: "PK",
			want: map[string]string{"Content-Range": "bytes 0-1/24"},
		},
		"a range beyond the end": {
			method: "GET", path: "/Binary/7", caller: reader, request: map[string]string{"Range": "bytes=99-"}, status: 416, body: "outside of the 24 bytes",
			want: map[string]string{"Content-Disposition": "", "Etag": ""},
		},
		"the client's version of the bytes":    {method: "GET", path: "/Binary/7", caller: reader, request: map[string]string{"If-None-Match": `W/"2"`}, status: 304},
		"the client's version of the resource": {method: "GET", path: "/Binary/7", caller: reader, request: map[string]string{"If-None-Match": `"2"`, "Accept": fhirJSON}, status: 304},
		"an older version of the client":       {method: "GET", path: "/Binary/7", caller: reader, request: map[string]string{"If-None-Match": `W/"1"`}, status: 200},
		"not modified since": {
			method: "GET", path: "/Binary/7", caller: reader, request: map[string]string{"If-Modified-Since": "Tue, 03 Feb 2026 04:05:06 GMT", "Accept": fhirJSON}, status: 304,
		},
		"an unknown _format":        {method: "GET", path: "/Binary/7?_format=png", caller: reader, status: 406, want: map[string]string{"Etag": "", "Content-Disposition": ""}},
		"a database that is down":   {store: fakeStore{pieceErr: &report.Error{Kind: report.Unavailable}}, method: "GET", path: "/Binary/7", caller: reader, status: 503, want: map[string]string{"Etag": ""}},
		"a method that is not read": {method: "PUT", path: "/Binary/7", caller: reader, status: 405},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httpapitest.Do(api(t, &c.store), httpapitest.Request{Method: c.method, Path: c.path, Caller: c.caller, Header: c.request})
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
				t.Errorf("got %d: %.300s", w.Code, w.Body)
			}
			for name, want := range c.want {
				if got := w.Header().Get(name); got != want {
					t.Errorf("got %s %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestDeleteResponses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path    string
		caller  auth.Principal
		status  int
		deleted int
	}{
		"no role":          {"/Binary/7", auth.Principal{UserID: "u"}, 403, 0},
		"another user":     {"/Binary/7", auth.Principal{UserID: "v", Roles: reader.Roles}, 404, 0},
		"an id of letters": {"/Binary/x", reader, 404, 0},
		"the owner":        {"/Binary/7", reader, 200, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &fakeStore{}
			w := httpapitest.Do(api(t, store), httpapitest.Request{Method: http.MethodDelete, Path: c.path, Caller: c.caller})
			if w.Code != c.status || len(store.deleted) != c.deleted || !strings.Contains(w.Body.String(), "OperationOutcome") {
				t.Errorf("got %d, %d deleted: %s", w.Code, len(store.deleted), w.Body)
			}
		})
	}
}

func TestXMLCannotHoldEveryUser(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		user, query string
		acceptable  bool
	}{
		"JSON":            {"a\u0001", "_format=json", true},
		"XML":             {"a", "_format=xml", true},
		"control, in XML": {"a\u0001", "_format=xml", false},
	} {
		var got error
		handler := httpapitest.New(t, nil, []httpapi.Route{{Path: "/x", Methods: map[string]httpapi.Endpoint{
			http.MethodGet: {Label: "x", Serve: func(_ http.ResponseWriter, r *httpapi.Request) (int, error) {
				got = binary.Check(r, report.Binary{UserID: c.user})
				return 0, nil
			}},
		}}})
		httpapitest.Do(handler, httpapitest.Request{Method: "GET", Path: "/x?" + c.query, Caller: reader})
		if (got == nil) != c.acceptable {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
