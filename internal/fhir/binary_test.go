// SPDX-License-Identifier: Apache-2.0

package fhir_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir"
	"reporting/internal/fhir/fhirjson"
	"reporting/internal/fhir/fhirxml"
	"reporting/internal/report"
)

var storedBinary = report.Binary{
	ID: 7, Version: 2, UserID: "0aaca7cd-67c3-48dd-a8c4-0cceecb5d276", ContentType: "application/gzip-json", Source: "request_1",
	LastUpdated: time.Date(2023, 10, 12, 11, 51, 50, 123_999_999, time.FixedZone("CEST", 7200)), Size: 4, FileName: "r.zip",
}

// The form of the recorded Binary: members, their order, and how times are written.
func TestBinaryFrame(t *testing.T) {
	t.Parallel()
	frame, err := fhir.FrameBinary(storedBinary, fhir.Style{})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"resourceType":"Binary","id":"7","meta":{"versionId":"2","lastUpdated":"2023-10-12T09:51:50.123+00:00","source":"#request_1",` +
		`"profile":["http://hl7.org/fhir/StructureDefinition/Binary"]},"contentType":"application/gzip-json",` +
		`"securityContext":{"identifier":{"value":"0aaca7cd-67c3-48dd-a8c4-0cceecb5d276"}},"data":"…"}`
	if diff := cmp.Diff(want, string(frame.Before)+"…"+string(frame.After)); diff != "" {
		t.Error(diff)
	}
	frame, err = fhir.FrameBinary(report.Binary{UserID: "u", ContentType: "text/plain"}, fhir.Style{})
	if err != nil {
		t.Fatal(err)
	}
	const unstored = `{"resourceType":"Binary","meta":{"profile":["http://hl7.org/fhir/StructureDefinition/Binary"]},"contentType":"text/plain",` +
		`"securityContext":{"identifier":{"value":"u"}},"data":"…"}`
	if diff := cmp.Diff(unstored, string(frame.Before)+"…"+string(frame.After)); diff != "" {
		t.Error(diff)
	}
}

// A frame with data in it is the same resource in every style, whatever stands in its
// members, and holds the data to the byte.
func TestBinaryFrameInEveryStyle(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*report.Binary){
		"stored":        func(*report.Binary) {},
		"never stored":  func(b *report.Binary) { b.ID = 0 },
		"no source":     func(b *report.Binary) { b.Source = "" },
		"no user":       func(b *report.Binary) { b.UserID = "" },
		"odd names":     func(b *report.Binary) { b.UserID, b.Source = `a"\<&>`+"\u2028 😀", `</x>"` },
		"like the mark": func(b *report.Binary) { b.UserID, b.Source, b.ContentType = "*data*", "*data*", "text/*data*" },
		"an odd type":   func(b *report.Binary) { b.ContentType = `text/plain; charset="utf-8"` },
	} {
		for _, size := range []int{0, 1, 2, 3, 1000} {
			binary := storedBinary
			change(&binary)
			data := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, size))
			var texts []string
			for _, style := range []fhir.Style{{}, {Pretty: true}, {Format: fhir.XML}, {Format: fhir.XML, Pretty: true}} {
				frame, err := fhir.FrameBinary(binary, style)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				text := string(frame.Before) + data + string(frame.After)
				parse := fhirjson.Parse
				if style.Format == fhir.XML {
					wellFormed(t, text)
					parse = fhirxml.Parse
				}
				if size == 0 {
					continue // an empty value is none, and no parser takes it
				}
				value, err := parse([]byte(text))
				if err != nil {
					t.Fatalf("%s, %+v: %v\n%s", name, style, err, text)
				}
				if faults := fhirjson.Check(value); len(faults) > 0 {
					t.Errorf("%s, %+v: %v", name, style, faults)
				}
				texts = append(texts, string(value.AppendJSON(nil)))
			}
			for _, text := range texts {
				same(t, "two styles of "+name, texts[0], text)
			}
			if len(texts) == 0 {
				continue
			}
			resource, err := models.UnmarshalBinary([]byte(texts[0]))
			if err != nil || resource.Data == nil || *resource.Data != data || resource.ContentType != binary.ContentType {
				t.Errorf("%s: %+v, %v", name, resource, err)
			}
			if owner := resource.SecurityContext; binary.UserID != "" && (owner == nil || *owner.Identifier.Value != binary.UserID) {
				t.Errorf("%s: of %+v", name, owner)
			}
		}
	}
}

// What XML cannot hold is an error, and not a resource that says something else.
func TestBinaryFrameThatXMLCannotHold(t *testing.T) {
	t.Parallel()
	binary := storedBinary
	binary.UserID = "a\x01"
	if frame, err := fhir.FrameBinary(binary, fhir.Style{Format: fhir.XML}); err == nil {
		t.Errorf("%s", frame.Before)
	}
	if _, err := fhir.FrameBinary(binary, fhir.Style{}); err != nil {
		t.Errorf("JSON holds it: %v", err)
	}
}

func TestDeletedAndInformation(t *testing.T) {
	t.Parallel()
	text, err := fhir.Marshal(fhir.Deleted("request_1", 12345*time.Microsecond), fhir.Style{})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"resourceType":"OperationOutcome","id":"request_1","text":{"status":"generated","div":"…"},"issue":[{"severity":"information","code":"informational",` +
		`"details":{"coding":[{"system":"https://hapifhir.io/fhir/CodeSystem/hapi-fhir-storage-response-code","code":"SUCCESSFUL_DELETE","display":"Delete succeeded."}]},` +
		`"diagnostics":"Successfully deleted 1 resource(s). Took 12ms."}]}`
	head, rest, _ := strings.Cut(string(text), `"div":"`)
	_, rest, _ = strings.Cut(rest, `/div`)
	if diff := cmp.Diff(want, fmt.Sprintf(`%s"div":"…%s`, head, rest[len(`\u003e`):])); diff != "" {
		t.Error(diff)
	}
}

// The reason of a failed job is told whole, and ends as a sentence.
func TestFailureIssue(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{
		"":                     "Report generation has failed.",
		"The server was away":  "Report generation has failed: The server was away.",
		"The server was away.": "Report generation has failed: The server was away.",
	} {
		if issue := fhir.Failure(reason); issue.Diagnostics != want || issue.MessageCode != "REPORTING_REPORT_GENERATION_FAILED" {
			t.Errorf("%q: %+v", reason, issue)
		}
	}
}

// Outcomes are told of failed jobs, and only where they are asked for.
func TestOutcomesOfJobs(t *testing.T) {
	t.Parallel()
	for _, status := range report.Statuses() {
		for _, asked := range []bool{false, true} {
			job := seedJob(status)
			job.FailureReason = "Why"
			text, err := encodeWith(fhir.Style{}, fhir.Links{Base: base}, asked, job)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := strings.Contains(text, `{"name":"outcome","resource":{"resourceType":"OperationOutcome",`), asked && status == report.Failed; got != want {
				t.Errorf("%s, asked %v: told %v\n%s", status, asked, got, text)
			}
		}
	}
}
