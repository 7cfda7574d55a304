// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reporting/internal/report"
)

// recorded reads a response of the reference service from its documentation, without the
// headers of its proxy.
func recorded(t testing.TB, name string) response {
	t.Helper()
	text, err := os.ReadFile("testdata/recorded/" + name + ".http")
	if err != nil {
		t.Fatal(err)
	}
	reader := textproto.NewReader(bufio.NewReader(bytes.NewReader(text)))
	if _, err := reader.ReadLine(); err != nil { // the request
		t.Fatal(err)
	}
	if _, err := reader.ReadLine(); err != nil {
		t.Fatal(err)
	}
	header, err := reader.ReadMIMEHeader()
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(reader.R)
	if err != nil {
		t.Fatal(err)
	}
	return response{status: http.StatusOK, header: http.Header(header), body: body}
}

// Values that vary between responses, and their form.
var variable = []struct {
	path  string
	looks *regexp.Regexp
}{
	{".id", regexp.MustCompile(`^[1-9]\d*$`)},
	{".meta.lastUpdated", regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$`)},
	{".meta.source", regexp.MustCompile(`^#[0-9a-f-]{16,36}$`)},
	{".securityContext.identifier.value", regexp.MustCompile(`.`)},
	{".issue[].diagnostics", regexp.MustCompile(`^Successfully deleted 1 resource\(s\)\. Took \d+ms\.$`)},
	{".text.div", regexp.MustCompile(`^<div xmlns="http://www.w3.org/1999/xhtml">.*Successfully deleted 1 resource.*</div>$`)},
}

// shape lists the keys of a JSON text in order, each with its value, or with the form of a
// variable value.
func shape(t testing.TB, text []byte) (lines []string) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var walk func(path string)
	walk = func(path string) {
		token, err := decoder.Token()
		if err != nil {
			t.Fatalf("%v: %.300s", err, text)
		}
		switch token {
		case json.Delim('{'):
			for decoder.More() {
				key, err := decoder.Token()
				if err != nil {
					t.Fatal(err)
				}
				name, _ := key.(string)
				walk(path + "." + name)
			}
		case json.Delim('['):
			for decoder.More() {
				walk(path + "[]")
			}
		default:
			line := fmt.Sprintf("%s %#v", path, token)
			for _, f := range variable {
				if content, _ := token.(string); f.path == path && f.looks.MatchString(content) {
					line = path + " ~ " + f.looks.String()
				}
			}
			lines = append(lines, line)
			return
		}
		if _, err := decoder.Token(); err != nil { // the closing bracket
			t.Fatal(err)
		}
	}
	walk("")
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		t.Errorf("got text after the JSON value: %.300s", text)
	}
	return lines
}

// resourceHeaders lists the headers that describe the resource, with variable parts replaced.
func resourceHeaders(header http.Header) (list []string) {
	number, host := regexp.MustCompile(`/\d+/`), regexp.MustCompile(`^https?://[^/]+`)
	for _, name := range []string{"Location", "Content-Location", "Last-Modified", "Etag", "Content-Type", "Content-Disposition", "X-Content-Type-Options"} {
		value := header.Get(name)
		if name == "Last-Modified" && value != "" {
			value = "<time>"
		}
		list = append(list, name+": "+host.ReplaceAllString(number.ReplaceAllString(value, "/<id>/"), "<host>"))
	}
	return list
}

func TestW152_ResponsesMatchTheRecordings(t *testing.T) {
	t.Parallel()
	server, user := reports(t), newUser()
	replay := func(name string, got response, leaveOut string) {
		t.Helper()
		want := recorded(t, name)
		if got.status != http.StatusOK {
			t.Errorf("%s: %d %.300s", name, got.status, got.body)
			return
		}
		if diff := cmp.Diff(resourceHeaders(want.header), resourceHeaders(got.header)); diff != "" {
			t.Errorf("%s: headers (-recorded +ours)\n%s", name, diff)
		}
		lines := func(a response) (kept []string) {
			for _, line := range shape(t, a.body) {
				if leaveOut == "" || !strings.HasPrefix(line, leaveOut+" ") {
					kept = append(kept, line)
				}
			}
			return kept
		}
		if diff := cmp.Diff(lines(want), lines(got)); diff != "" {
			t.Errorf("%s: body (-recorded +ours)\n%s", name, diff)
		}
	}
	sent := status(user).with("Accept", "application/fhir+json;q=1.0, application/json+fhir;q=0.9")
	replay("status-empty", server.do(t, sent), "")
	executed := server.do(t, order("execute", usageStats, user, notAnonymous))
	replay("execute", executed, "")
	path := executed.binary(t).path()
	// The data of the recording is another report.
	replay("vread", server.do(t, get(user, path+"/_history/1")), ".data")
	replay("fetch", server.do(t, order("fetch", usageStats, user, anonymous)), ".data")
	server.waitForEnd(t, user, report.Done)
	// Unlike the recording, every OperationOutcome here has an id: the request id.
	deleted := server.do(t, get(user, path).by("DELETE"))
	if !bytes.HasPrefix(deleted.body, []byte(`{"resourceType":"OperationOutcome","id":"`+deleted.header.Get("X-Request-Id")+`","text":`)) {
		t.Errorf("delete: %s", deleted.body)
	}
	replay("delete", deleted, ".id")
}
