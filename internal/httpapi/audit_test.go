// SPDX-License-Identifier: Apache-2.0

package httpapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"reporting/internal/fhir"
	"reporting/internal/httpapi"
	"reporting/internal/telemetry"
)

// audited calls an operation that does as told, and returns its audit record or nothing.
func audited(t *testing.T, do func(http.ResponseWriter) (int, error)) []byte {
	t.Helper()
	var out bytes.Buffer
	o := options(fhir.Operation{}, func(w http.ResponseWriter, _ *httpapi.Request) (int, error) { return do(w) })
	o.Audit = telemetry.NewAudit(&out, o.Log, o.Metrics)
	handler, err := httpapi.New(o)
	if err != nil {
		t.Fatal(err)
	}
	r := post("", "")
	r.Header.Set("Authorization", bearer())
	w := httptest.NewRecorder()
	func() {
		defer func() { _ = recover() }() // an answer that breaks off breaks the connection
		handler.ServeHTTP(w, r)
	}()
	if err := o.Audit.Close(t.Context()); err != nil {
		t.Error(err)
	}
	return out.Bytes()
}

func TestAuditTellsHowItEnded(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		do   func(http.ResponseWriter) (int, error)
		want string // the record's count and complete, or nothing
	}{
		"whole":              {func(w http.ResponseWriter) (int, error) { return 3, fine(w) }, `3 true`},
		"nothing to show":    {func(w http.ResponseWriter) (int, error) { return 0, fine(w) }, `0 true`},
		"failed before":      {func(http.ResponseWriter) (int, error) { return 3, errors.New("x") }, ``},
		"failed in between":  {func(w http.ResponseWriter) (int, error) { _ = fine(w); return 3, errors.New("x") }, `3 false`},
		"panicked before":    {func(http.ResponseWriter) (int, error) { panic("x") }, ``},
		"panicked afterward": {func(w http.ResponseWriter) (int, error) { _ = fine(w); panic("x") }, `unknown false`},
	} {
		var got string
		if line := audited(t, row.do); len(line) > 0 {
			var record telemetry.AuditRecord
			if err := json.Unmarshal(line, &record); err != nil {
				t.Fatalf("%s: %v: %s", name, err, line)
			}
			count := "unknown"
			if record.Count != nil {
				count = strconv.Itoa(*record.Count)
			}
			got = count + " " + strconv.FormatBool(record.Complete)
		}
		if got != row.want {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
}
