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

// recorded reads an answer of the reference service as its documentation shows it,
// without the headers of what stands in front of it.
func recorded(t testing.TB, name string) answer {
	t.Helper()
	text, err := os.ReadFile("testdata/recorded/" + name + ".http")
	if err != nil {
		t.Fatal(err)
	}
	reader := textproto.NewReader(bufio.NewReader(bytes.NewReader(text)))
	if _, err := reader.ReadLine(); err != nil { // what was asked
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
	return answer{status: http.StatusOK, header: http.Header(header), body: body}
}

// What is another one each time, and how it is to look.
var fleeting = []struct {
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

// shape lists the keys of a JSON text in their order, each with its value, or with how
// that is to look.
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
			for _, f := range fleeting {
				if content, _ := token.(string); f.path == path && f.looks.MatchString(content) {
					line = path + " ~ " + f.looks.String()
				}
			}
			lines = append(lines, line)
			return
		}
		if _, err := decoder.Token(); err != nil { // what closes it
			t.Fatal(err)
		}
	}
	walk("")
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		t.Errorf("something follows: %.300s", text)
	}
	return lines
}

// shown are the headers that say something of the resource: an answer has them where the
// recorded one has.
func shown(header http.Header) (list []string) {
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
	replay := func(name string, got answer, leaveOut string) {
		t.Helper()
		want := recorded(t, name)
		if got.status != http.StatusOK {
			t.Errorf("%s: %d %.300s", name, got.status, got.body)
			return
		}
		if diff := cmp.Diff(shown(want.header), shown(got.header)); diff != "" {
			t.Errorf("%s: headers (-recorded +ours)\n%s", name, diff)
		}
		lines := func(a answer) (kept []string) {
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
	asked := status(user).with("Accept", "application/fhir+json;q=1.0, application/json+fhir;q=0.9")
	replay("status-empty", server.do(t, asked), "")
	executed := server.do(t, order("execute", usageStats, user, notAnonymous))
	replay("execute", executed, "")
	path := executed.binary(t).path()
	// Some other text was recorded, and there is no way to store that here.
	replay("vread", server.do(t, get(user, path+"/_history/1")), ".data")
	replay("fetch", server.do(t, order("fetch", usageStats, user, anonymous)), ".data")
	server.ended(t, user, report.Done)
	// Ours has an id, which is the request's, as every OperationOutcome here.
	deleted := server.do(t, get(user, path).by("DELETE"))
	if !bytes.HasPrefix(deleted.body, []byte(`{"resourceType":"OperationOutcome","id":"`+deleted.header.Get("X-Request-Id")+`","text":`)) {
		t.Errorf("delete: %s", deleted.body)
	}
	replay("delete", deleted, ".id")
}
