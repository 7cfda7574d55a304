// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/report"
)

func TestW140_ReadReturnsTheLatestVersion(t *testing.T) {
	t.Parallel()
	server, user := reports(t), newUser()
	first := server.makeReport(t, user)
	a := server.do(t, get(user, first.path()))
	b := a.binary(t)
	if b.Meta.VersionID != "2" || b.Meta.Source != "" || b.ContentType != zipType || b.SecurityContext.Identifier.Value != user {
		t.Errorf("got %.400s", a.body)
	}
	updated, err := time.Parse("2006-01-02T15:04:05.000-07:00", b.Meta.LastUpdated)
	if err != nil || a.header.Get("Last-Modified") != updated.Format(http.TimeFormat) || a.header.Get("Etag") != `W/"2"` ||
		a.header.Get("Content-Location") != server.public(t)+b.path()+"/_history/2" || a.header.Get("Location") != "" || a.header.Get("Content-Disposition") != "" {
		t.Errorf("%v %v", err, a.header)
	}
	if a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("got Cache-Control %q", a.header.Get("Cache-Control"))
	}
	// The resource may be compressed, although its data is a zip file.
	zipped := server.do(t, get(user, b.path()).with("Accept-Encoding", "gzip"))
	if zipped.status != http.StatusOK || zipped.header.Get("Etag") != `W/"2"` {
		t.Errorf("gzip: got status %d, %v", zipped.status, zipped.header)
	}
}

func TestW141_VersionsAreReadable(t *testing.T) {
	t.Parallel()
	server, user := reports(t), newUser()
	b := server.makeReport(t, user)
	for version, data := range map[string]string{"1": placeholder, "2": b.Data} {
		a := server.do(t, get(user, b.path()+"/_history/"+version))
		got := a.binary(t)
		if got.Meta.VersionID != version || got.Data != data || got.ID != b.ID || a.header.Get("Etag") != `W/"`+version+`"` ||
			a.header.Get("Content-Location") != server.public(t)+b.path()+"/_history/"+version {
			t.Errorf("version %s: %v %.300s", version, a.header, a.body)
		}
	}
	if got := server.do(t, get(user, b.path()+"/_history/1")).binary(t); got.Meta.Source == "" || got.ContentType != "text/plain" {
		t.Errorf("got %+v", got)
	}
	for _, version := range []string{"0", "3", "-1", "x", "1.0", "99999999999999999999"} {
		server.do(t, get(user, b.path()+"/_history/"+version)).hasCode(t, http.StatusNotFound, models.IssueTypeNotFound, "GENERAL_RESOURCE_NOT_FOUND")
	}
}

func TestW142_WithoutFHIRTypeTheBytesAreReturned(t *testing.T) {
	t.Parallel()
	server, user := reports(t), newUser()
	b := server.makeReport(t, user)
	want := b.bytes(t)
	name, _, _ := strings.Cut(unzip(t, want)[0].Name, "/")
	for _, accept := range []string{"", "*/*", zipType, "application/*", "application/zip, */*;q=0.1", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "image/png", "application/fhir+json;q=0.5, application/gzip-json"} {
		r := get(user, b.path()).withoutAccept()
		if accept != "" {
			r = r.with("Accept", accept)
		}
		a := server.do(t, r)
		if a.status != http.StatusOK || !bytes.Equal(a.body, want) || a.header.Get("Content-Type") != zipType ||
			a.header.Get("Content-Disposition") != "attachment; filename="+name+".zip" || a.header.Get("Content-Length") != strconv.Itoa(len(want)) ||
			a.header.Get("Etag") != `W/"2"` || a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Accept-Ranges") != "bytes" {
			t.Errorf("Accept %q: %d %v, %d bytes of %d", accept, a.status, a.header, len(a.body), len(want))
		}
	}
	for _, accept := range []string{fhirJSON, "application/fhir+json, */*;q=0.1", "application/fhir+json;q=1.0, application/json+fhir;q=0.9", "application/fhir+xml;q=0.1, application/fhir+json", "application/json"} {
		server.do(t, get(user, b.path()).with("Accept", accept)).binary(t)
	}
	// The bytes are never compressed: they are a zip file, and ranges must fit together.
	for _, byteRange := range []string{"", "bytes=0-"} {
		r := get(user, b.path()).withoutAccept().with("Accept-Encoding", "gzip")
		if byteRange != "" {
			r = r.with("Range", byteRange)
		}
		if a := server.do(t, r); a.header.Get("Content-Encoding") != "" || !bytes.Equal(a.body, want) {
			t.Errorf("Range %q with gzip: got status %d, %v", byteRange, a.status, a.header)
		}
	}
	text := server.do(t, get(user, b.path()+"/_history/1").withoutAccept())
	if text.header.Get("Content-Type") != "text/plain" || string(text.body) != report.Placeholder || !strings.HasPrefix(text.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("got headers %v: %s", text.header, text.body)
	}
}

func TestW143_FormatAndPrettyApplyToBinaries(t *testing.T) {
	t.Parallel()
	server, user := reports(t), newUser()
	b := server.makeReport(t, user)
	for _, r := range []request{
		get(user, b.path()).with("Accept", "application/fhir+xml"), get(user, b.path()+"?_format=xml").withoutAccept(),
		get(user, b.path()+"?_format=application/fhir%2Bxml").with("Accept", zipType),
	} {
		a := server.do(t, r)
		if a.status != http.StatusOK || a.header.Get("Content-Type") != labelXML || a.header.Get("Etag") != `W/"2"` ||
			!bytes.HasPrefix(a.body, []byte(`<Binary xmlns="http://hl7.org/fhir"><id value="`+b.ID+`"/><meta><versionId value="2"/><lastUpdated value="`)) ||
			!bytes.HasSuffix(a.body, []byte(`<data value="`+b.Data+`"/></Binary>`)) {
			t.Errorf("got status %d, headers %v: %.300s", a.status, a.header, a.body)
		}
	}
	if got := server.do(t, get(user, b.path()+"?_format=json").with("Accept", "*/*")).binary(t); got.Data != b.Data {
		t.Error("_format=json: got other data")
	}
	if a := server.do(t, get(user, b.path()+"?_pretty=true")); !bytes.Contains(a.body, []byte("\n")) || a.binary(t).Data != b.Data {
		t.Errorf("_pretty: got %.300s, want the same data, indented", a.body)
	}
	rejected := server.do(t, get(user, b.path()+"?_format=turtle"))
	rejected.isOutcome(t, http.StatusNotAcceptable, models.IssueTypeNotSupported)
	// A rejected request has no headers of the Binary.
	for _, name := range []string{"Etag", "Last-Modified", "Content-Location"} {
		if got := rejected.header.Get(name); got != "" {
			t.Errorf("406: got %s %s, want none", name, got)
		}
	}
	missing := server.do(t, get(user, "/Binary/999999999?_format=xml"))
	if missing.status != http.StatusNotFound || missing.header.Get("Content-Type") != labelXML {
		t.Errorf("404 in XML: got status %d, %v", missing.status, missing.header)
	}
}

func TestW144_HeadReturnsTheHeadersOfGet(t *testing.T) {
	t.Parallel()
	server, user := reports(t), newUser()
	b := server.makeReport(t, user)
	for _, path := range []string{b.path(), b.path() + "/_history/1"} {
		for _, r := range []request{get(user, path), get(user, path).with("Accept", "application/fhir+xml"), get(user, path).withoutAccept()} {
			read, head := server.do(t, r), server.do(t, r.by("HEAD"))
			if head.status != http.StatusOK || len(head.body) != 0 {
				t.Errorf("HEAD: got status %d and %d bytes, want 200 and none", head.status, len(head.body))
			}
			for _, name := range []string{"Content-Type", "Content-Disposition", "Etag", "Last-Modified", "Content-Location", "Vary", "Accept-Ranges"} {
				if head.header.Get(name) != read.header.Get(name) {
					t.Errorf("%s %v: %s: HEAD %q, GET %q", path, r.header, name, head.header.Get(name), read.header.Get(name))
				}
			}
		}
	}
	if head := server.do(t, get(user, "/Binary/999999999").by("HEAD")); head.status != http.StatusNotFound {
		t.Errorf("HEAD of an unknown Binary: got status %d, want 404", head.status)
	}
}

func TestW145_RangesApplyToTheBytes(t *testing.T) {
	t.Parallel()
	server, user := reports(t), newUser()
	b := server.makeReport(t, user)
	data := b.bytes(t)
	raw := get(user, b.path()).withoutAccept()
	for byteRange, want := range map[string][]byte{
		"bytes=0-3": data[:4], "bytes=4-": data[4:], "bytes=-10": data[len(data)-10:], "bytes=5-5": data[5:6], "bytes=0-999999999": data,
	} {
		a := server.do(t, raw.with("Range", byteRange))
		if a.status != http.StatusPartialContent || !bytes.Equal(a.body, want) || !strings.HasPrefix(a.header.Get("Content-Range"), "bytes ") {
			t.Errorf("%s: got status %d, %v", byteRange, a.status, a.header)
		}
	}
	beyond := server.do(t, raw.with("Range", "bytes=999999999-"))
	beyond.isOutcome(t, http.StatusRequestedRangeNotSatisfiable, models.IssueTypeInvalid)
	if want := fmt.Sprintf("bytes */%d", len(data)); beyond.header.Get("Content-Range") != want || beyond.header.Get("Etag") != "" {
		t.Errorf("416: got headers %v, want Content-Range %s and no ETag", beyond.header, want)
	}
	// A weak ETag never matches If-Range (RFC 9110, section 13.1.5).
	if a := server.do(t, raw.with("Range", "bytes=0-3").with("If-Range", `W/"2"`)); a.status != http.StatusOK || !bytes.Equal(a.body, data) {
		t.Errorf("If-Range with a weak ETag: got status %d", a.status)
	}
	if a := server.do(t, raw.with("Range", "lines=0-3")); a.status != http.StatusOK && a.status != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("another unit: got status %d", a.status)
	}
	if a := server.do(t, get(user, b.path()).with("Range", "bytes=0-3")); a.binary(t).Data != b.Data {
		t.Error("range of the resource: got other data, want the whole resource")
	}
}

func TestW146_ConditionalReadsAre304(t *testing.T) {
	t.Parallel()
	server, user := reports(t), newUser()
	b := server.makeReport(t, user)
	modified := server.do(t, get(user, b.path())).header.Get("Last-Modified")
	at, err := http.ParseTime(modified)
	if err != nil {
		t.Fatal(err)
	}
	earlier := at.Add(-time.Minute).Format(http.TimeFormat)
	for _, tt := range []struct {
		name, value string
		want        int
	}{
		{"If-None-Match", `W/"2"`, http.StatusNotModified},
		{"If-None-Match", `"2"`, http.StatusNotModified},
		{"If-None-Match", `"x", W/"2"`, http.StatusNotModified},
		{"If-None-Match", "*", http.StatusNotModified},
		{"If-None-Match", `W/"1"`, http.StatusOK},
		{"If-None-Match", "2", http.StatusOK},
		{"If-Modified-Since", modified, http.StatusNotModified},
		{"If-Modified-Since", at.Add(time.Minute).Format(http.TimeFormat), http.StatusNotModified},
		{"If-Modified-Since", earlier, http.StatusOK},
		{"If-Modified-Since", "yesterday", http.StatusOK},
	} {
		for _, r := range []request{get(user, b.path()), get(user, b.path()).withoutAccept(), get(user, b.path()).by("HEAD")} {
			a := server.do(t, r.with(tt.name, tt.value))
			if a.status != tt.want || a.status == http.StatusNotModified && (len(a.body) > 0 || a.header.Get("Etag") != `W/"2"`) {
				t.Errorf("%s %v, %s %s: %d, want %d; %v", r.method, r.header, tt.name, tt.value, a.status, tt.want, a.header)
			}
		}
	}
	// If-None-Match takes precedence (RFC 9110, section 13.2.2).
	both := get(user, b.path()).with("If-None-Match", `W/"1"`).with("If-Modified-Since", modified)
	server.do(t, both).binary(t)
}
