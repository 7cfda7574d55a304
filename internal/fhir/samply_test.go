// SPDX-License-Identifier: Apache-2.0

package fhir_test

import (
	"encoding/json"
	"errors"
	"html"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir"
	"reporting/internal/fhir/fhirjson"
	"reporting/internal/report"
)

// samplyBundle says the same as fhir.StatusBundle with samply's types, as a
// second opinion.
func samplyBundle(links fhir.Links, outcomes bool, jobs ...report.Job) (models.Bundle, error) {
	bundle := models.Bundle{Type: models.BundleTypeCollection}
	for _, job := range jobs {
		id := job.ID.String()
		parts := []models.ParametersParameter{
			{Name: "reportClass", ValueString: &job.ReportClass},
			{Name: "userId", ValueString: &job.UserID},
			{Name: "status", ValueString: (*string)(&job.Status)},
		}
		if reference := job.BinaryReference; reference != "" {
			if !strings.Contains(reference, "://") {
				reference = links.Base + "/" + reference
			}
			parts = append(parts, models.ParametersParameter{
				Name:           "binary",
				ValueReference: &models.Reference{Reference: &reference},
			})
		}
		parts = append(parts, models.ParametersParameter{Name: "parameters", Resource: job.Parameters})
		for _, at := range []struct {
			name string
			time time.Time
		}{{"created", job.Created}, {"started", job.Started}, {"ended", job.Ended}} {
			if at.name == "created" || !at.time.IsZero() {
				text := at.time.UTC().Format("2006-01-02T15:04:05") + "+00:00"
				parts = append(parts, models.ParametersParameter{Name: at.name, ValueDateTime: &text})
			}
		}
		if outcomes && job.Status == report.Failed {
			text, err := samplyOutcome(job.FailureReason).MarshalJSON()
			if err != nil {
				return models.Bundle{}, err
			}
			parts = append(parts, models.ParametersParameter{Name: "outcome", Resource: text})
		}
		resource, err := models.Parameters{
			Id:        &id,
			Parameter: []models.ParametersParameter{{Name: "reportJob", Part: parts}},
		}.MarshalJSON()
		if err != nil {
			return models.Bundle{}, err
		}
		fullURL := id
		if links.AbsoluteFullURL {
			fullURL = links.Base + "/Parameters/" + id
		}
		bundle.Entry = append(bundle.Entry, models.BundleEntry{FullUrl: &fullURL, Resource: resource})
	}
	return bundle, nil
}

// samplyOutcome is what is told of a job that failed.
func samplyOutcome(reason string) models.OperationOutcome {
	text := "Report generation has failed."
	if reason != "" {
		text = strings.ToValidUTF8(strings.Map(func(r rune) rune {
			if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\ufffe' || r == '\uffff' {
				return '\ufffd' // what XML cannot hold
			}
			return r
		}, "Report generation has failed: "+strings.TrimSuffix(reason, ".")+"."), "\ufffd")
	}
	code := "REPORTING_REPORT_GENERATION_FAILED"
	return models.OperationOutcome{
		Text: &models.Narrative{Status: models.NarrativeStatusGenerated, Div: `<div xmlns="http://www.w3.org/1999/xhtml"><p>exception: ` + html.EscapeString(text) + `</p></div>`},
		Issue: []models.OperationOutcomeIssue{{
			Severity: models.IssueSeverityError, Code: models.IssueTypeException, Diagnostics: &text,
			Details: &models.CodeableConcept{Coding: []models.Coding{{Code: &code}}},
		}},
	}
}

// FuzzStatusBundle holds the hand-written encoder equal to samply's types.
func FuzzStatusBundle(f *testing.F) {
	f.Add("com.example.Report", "user", "DONE", "Binary/7", `{"resourceType":"Parameters"}`, int64(0), int64(1), int64(2), false, "", true)
	f.Add("æøå 😀 </script> & \" \\ \u2028 \u2029", "\x00\x1f\x7f", "FAILED", "", `{}`, int64(-1), int64(0), int64(0), true, "Why. <&>\x01\uffff\xff.", true)
	f.Add("\xff\xc0\x80 broken", "\xed\xa0\x80", "", "https://x.example/æ", ` { "a" : [ 1.10 ] } `, int64(1e12), int64(1), int64(0), true, "why", false)
	f.Fuzz(func(t *testing.T, class, user, status, reference, parameters string, created, started, ended int64, absolute bool, reason string, outcomes bool) {
		if !json.Valid([]byte(parameters)) || !utf8.ValidString(parameters) {
			t.Skip("the table holds valid JSON only")
		}
		links := fhir.Links{Base: base, AbsoluteFullURL: absolute}
		job := report.Job{
			ReportClass: class, UserID: user, Status: report.Status(status), BinaryReference: reference,
			Parameters: []byte(parameters), Created: moment(created), Started: moment(started), Ended: moment(ended), FailureReason: reason,
		}
		copy(job.ID[:], class+user)
		jobs := []report.Job{job, job}[:1+len(user)%2]

		ours, err := encodeWith(fhir.Style{}, links, outcomes, jobs...)
		if err != nil {
			t.Fatal(err) // compact JSON holds everything
		}
		if !utf8.ValidString(ours) {
			t.Errorf("not UTF-8: %q", ours)
		}
		bundle, err := samplyBundle(links, outcomes, jobs...)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := bundle.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		same(t, "samply and we", string(theirs), ours)
		otherStyles(t, ours, links, outcomes, jobs)
	})
}

// otherStyles holds what is made from the JSON to it.
func otherStyles(t *testing.T, ours string, links fhir.Links, outcomes bool, jobs []report.Job) {
	t.Helper()
	pretty, err := encodeWith(fhir.Style{Pretty: true}, links, outcomes, jobs...)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "compact and pretty JSON", ours, pretty)
	text, err := encodeWith(fhir.Style{Format: fhir.XML}, links, outcomes, jobs...)
	if err != nil {
		if _, ok := errors.AsType[*fhirjson.Fault](err); !ok {
			t.Errorf("an error that says nothing: %v", err)
		}
		return // XML does not hold everything
	}
	// Not with our own parser: that refuses the empty strings which the encoder
	// leaves as they are.
	wellFormed(t, text)
	if entries := strings.Count(text, "<entry>"); entries != len(jobs) {
		t.Errorf("%d entries in XML, want %d", entries, len(jobs))
	}
}

// moment makes a time that the table can hold: years 0001 to 9999. Zero stays
// the zero time, which is a part left out.
func moment(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	const firstYear, lastYear = -62135596800, 253402300799
	span := int64(lastYear - firstYear)
	return time.Unix(firstYear+1+((seconds%span)+span)%span, 999_999_999).UTC()
}

// same compares what two texts say. Not with cmp: arrays in arrays in arrays take
// it exponential time.
func same(t *testing.T, who, a, b string) {
	t.Helper()
	if !reflect.DeepEqual(decode(t, a), decode(t, b)) {
		t.Errorf("%s disagree:\n%s\n%s", who, a, b)
	}
}

func decode(t *testing.T, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber() // 1.10 is not 1.1
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, text)
	}
	return value
}
