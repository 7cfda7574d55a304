// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/config"
)

// oneOfEachKind returns a request for each kind of response.
func oneOfEachKind() map[string]request {
	return map[string]request{
		"success":      status(newUser()),
		"unauthorised": {method: "POST", path: operation},
		"not found":    {method: "GET", path: "/nothing"},
		"wrong method": {method: "DELETE", path: operation},
		"bad body":     {method: "POST", path: operation, user: "u", body: "{", header: map[string]string{"Content-Type": fhirJSON}},
		"metadata":     {method: "GET", path: "/metadata"},
		"options":      {method: "OPTIONS", path: operation},
	}
}

func TestW20_ContentTypeIsFHIRJSON(t *testing.T) {
	t.Parallel()
	for name, r := range oneOfEachKind() {
		a := shared(t).do(t, r)
		if got := a.header.Get("Content-Type"); len(a.body) > 0 && got != labelJSON {
			t.Errorf("%s: got Content-Type %q", name, got)
		}
	}
}

func TestW21_LargeBodiesAreCompressedOnRequest(t *testing.T) {
	t.Parallel()
	server, small, large := shared(t), newUser(), newUser()
	for range 10 {
		server.load(t, doneJob(large, noon))
	}
	for _, tt := range []struct {
		user, accept string
		compressed   bool
	}{
		{large, "gzip", true},
		{large, "GZIP", true},
		{large, "deflate, gzip;q=0.5", true},
		{large, "", false},
		{large, "gzip;q=0", false}, // the middleware of chi compresses here
		{large, "gzip;q=0, *;q=1", false},
		{large, "identity", false},
		{large, "*;q=0", false},
		{large, "br, zstd", false},
		{small, "gzip", false}, // too short
	} {
		r := status(tt.user)
		if tt.accept != "" {
			r = r.with("Accept-Encoding", tt.accept)
		}
		a := server.do(t, r)
		if got := a.header.Get("Content-Encoding") == "gzip"; got != tt.compressed {
			t.Errorf("Accept-Encoding %q: compressed %v, want %v", tt.accept, got, tt.compressed)
		}
		if tt.compressed {
			a.body = gunzip(t, a.body)
		}
		if want := map[bool]int{true: 10, false: 0}[tt.user == large]; len(a.entries(t)) != want {
			t.Errorf("Accept-Encoding %q: %d entries, want %d", tt.accept, len(a.entries(t)), want)
		}
	}
	// XML is compressed too.
	a := server.do(t, status(large).with("Accept-Encoding", "gzip").with("Accept", "application/fhir+xml"))
	if a.header.Get("Content-Encoding") != "gzip" || elements(t, gunzip(t, a.body), "entry") != 10 {
		t.Errorf("XML: Content-Encoding %q", a.header.Get("Content-Encoding"))
	}
}

func gunzip(t *testing.T, compressed []byte) []byte {
	t.Helper()
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func TestW22_VaryAndCacheControlAreSet(t *testing.T) {
	t.Parallel()
	for name, r := range oneOfEachKind() {
		a := shared(t).do(t, r.with("Accept-Encoding", "gzip"))
		if got := a.header.Values("Vary"); len(got) != 1 || got[0] != "Accept, Accept-Encoding, Authorization" {
			t.Errorf("%s: got Vary %q", name, got)
		}
		if got := a.header.Get("Cache-Control"); name != "metadata" && got != "no-store" {
			t.Errorf("%s: got Cache-Control %q", name, got)
		}
	}
}

func TestW23_SecurityHeadersAreSet(t *testing.T) {
	t.Parallel()
	for name, r := range oneOfEachKind() {
		a := shared(t).do(t, r)
		for header, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
		} {
			if got := a.header.Get(header); got != want {
				t.Errorf("%s: %s %q, want %q", name, header, got, want)
			}
		}
	}
}

func TestW24_ValidRequestIDIsEchoed(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a", "Zz-09._", strings.Repeat("x", 64), uuid.NewString()} {
		for name, r := range oneOfEachKind() {
			if got := shared(t).do(t, r.with("X-Request-Id", id)).header.Get("X-Request-Id"); got != id {
				t.Errorf("%s: X-Request-Id %q: got %q, want it unchanged", name, id, got)
			}
		}
	}
	for _, id := range []string{"", strings.Repeat("x", 65), "a b", "a\tb", "<script>", "æ", "a;b", "${jndi:x}"} {
		got := shared(t).do(t, request{method: "GET", path: "/nothing"}.with("X-Request-Id", id))
		if _, err := uuid.Parse(got.header.Get("X-Request-Id")); err != nil {
			t.Errorf("X-Request-Id %q: got %q, want a new UUID", id, got.header.Get("X-Request-Id"))
		}
		got.isOutcome(t, http.StatusNotFound, models.IssueTypeNotSupported)
	}
}

func TestW24_TraceparentIsContinuedInTheLog(t *testing.T) {
	t.Parallel()
	server := own(t, nil)
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	server.do(t, status("u").with("Traceparent", "00-"+trace+"-00f067aa0ba902b7-01"))
	server.do(t, status("u").with("Traceparent", "00-"+strings.Repeat("0", 32)+"-00f067aa0ba902b7-01")) // invalid (W3C Trace Context, section 3.2.2.3)
	if err := server.stop(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(server.log.String(), `"trace_id":`); got != 1 || !strings.Contains(server.log.String(), `"trace_id":"`+trace+`","span_id":"00f067aa0ba902b7"`) {
		t.Errorf("got %d trace ids in the log, want one, with the client's:\n%s", got, server.log)
	}
}

func TestW25_NoCookieAndNoProductVersion(t *testing.T) {
	t.Parallel()
	for name, r := range oneOfEachKind() {
		a := shared(t).do(t, r)
		for _, header := range []string{"Set-Cookie", "Server", "X-Powered-By"} {
			if got := a.header.Get(header); got != "" {
				t.Errorf("%s: %s %q", name, header, got)
			}
		}
		for header, values := range a.header {
			if strings.Contains(strings.Join(values, " "), "9.8.7") {
				t.Errorf("%s: %s holds the version", name, header)
			}
		}
	}
}

func TestW27_IdleConnectionsStayOpen(t *testing.T) {
	t.Parallel()
	const idle = 61 * time.Second
	if !isRemote() {
		withSyntheticTime(t, func(server synthetic) { staysOpen(server.t, server.target, server.dial(), idle) })
		return
	}
	slow(t, "leaves a connection to another server idle for a minute")
	server := shared(t)
	if u, err := url.Parse(server.base); err != nil || u.Scheme != "http" || u.Port() == "" {
		t.Skip("needs a server with plain HTTP and a port")
	}
	staysOpen(t, server, server.dial(t), idle)
}

// staysOpen makes two requests on a connection that is idle in between.
func staysOpen(t *testing.T, server target, conn net.Conn, idle time.Duration) {
	t.Helper()
	u, err := url.Parse(server.base)
	if err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	get := func() {
		t.Helper()
		if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "GET "+u.Path+"/metadata HTTP/1.1\r\nHost: "+u.Host+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatalf("read response: %v", err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK || res.Close {
			t.Errorf("got %s, Connection: close %t, %v; want 200 and an open connection", res.Status, res.Close, err)
		}
	}
	get()
	if err := conn.SetReadDeadline(time.Now().Add(idle)); err != nil {
		t.Fatal(err)
	}
	if _, err := reader.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("idle connection: got %v, want nothing for %s", err, idle)
	}
	get()
}

func TestW28_CORSNeedsConfiguredOrigins(t *testing.T) {
	t.Parallel()
	const origin = "https://portal.example"
	if a := shared(t).do(t, status("u").with("Origin", origin)); a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("got Access-Control-Allow-Origin without a configured origin")
	}
	server := own(t, func(c *config.Config) { c.CORSOrigins = []string{origin} })
	for name, r := range oneOfEachKind() {
		a := server.do(t, r.with("Origin", origin))
		if got := a.header.Get("Access-Control-Allow-Origin"); got != origin {
			t.Errorf("%s: got allowed origin %q, want %q", name, got, origin)
		}
		if vary := strings.Join(a.header.Values("Vary"), ","); !strings.Contains(vary, "Origin") || !strings.Contains(vary, "Authorization") {
			t.Errorf("%s: got Vary %q", name, vary)
		}
		exposed := a.header.Get("Access-Control-Expose-Headers")
		for _, want := range []string{
			"X-Request-Id", "Location", "Content-Location", "Retry-After", "Etag", "Content-Disposition", "Content-Range", "X-Progress", "Preference-Applied",
		} {
			if !strings.Contains(exposed, want) {
				t.Errorf("%s: %s is not exposed: %q", name, want, exposed)
			}
		}
		if a = server.do(t, r.with("Origin", "https://evil.example")); a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: another origin is allowed", name)
		}
	}
	preflight := server.do(t, request{method: "OPTIONS", path: operation, header: map[string]string{
		"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-encoding,content-type,prefer",
	}})
	if preflight.status != http.StatusNoContent || preflight.header.Get("Access-Control-Allow-Methods") == "" ||
		!strings.Contains(preflight.header.Get("Access-Control-Allow-Headers"), "authorization") {
		t.Errorf("preflight: got status %d, %v", preflight.status, preflight.header)
	}
	// A page reads and deletes results.
	preflight = server.do(t, request{method: "OPTIONS", path: "/Binary/1", header: map[string]string{
		"Origin": origin, "Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "authorization,if-modified-since,if-none-match,if-range,range",
	}})
	if preflight.status != http.StatusNoContent || !strings.Contains(preflight.header.Get("Access-Control-Allow-Headers"), "if-range,range") {
		t.Errorf("preflight: got status %d, %v", preflight.status, preflight.header)
	}
}
