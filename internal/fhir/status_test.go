// SPDX-License-Identifier: Apache-2.0

package fhir_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"reporting/api"
	"reporting/internal/fhir"
	"reporting/internal/report"
)

const base = "https://reporting.example.org/fhir"

// seedJob is the job of the documents this project comes from.
func seedJob(status report.Status) report.Job {
	created := time.Date(2023, 10, 12, 9, 51, 50, 0, time.UTC)
	return report.Job{
		ID:              report.JobID(uuid.MustParse("ce35bcd5-4bb2-4c6e-b230-5347df1fe9bc")),
		ReportClass:     "com.systematic.ehealth.reporting.reports.PatientsUsageReport",
		UserID:          "0aaca7cd-67c3-48dd-a8c4-0cceecb5d276",
		Status:          status,
		BinaryReference: "https://reporting.local.ehealth.sundhed.dk/fhir/Binary/7",
		Parameters:      []byte(`{"resourceType":"Parameters","parameter":[{"name":"anonymization","valueString":"None"}]}`),
		Created:         created,
		Started:         created,
		Ended:           created.Add(time.Second),
	}
}

func encode(links fhir.Links, jobs ...report.Job) string {
	text, err := encodeAs(fhir.Style{}, links, jobs...)
	if err != nil {
		panic(err) // compact JSON holds everything
	}
	return text
}

func encodeAs(style fhir.Style, links fhir.Links, jobs ...report.Job) (string, error) {
	return encodeWith(style, links, false, jobs...)
}

func encodeWith(style fhir.Style, links fhir.Links, outcomes bool, jobs ...report.Job) (string, error) {
	bundle := fhir.NewStatusBundle(links, style)
	bundle.Outcomes = outcomes
	var text []byte
	for i := range jobs {
		var err error
		if text, err = bundle.AppendJob(text, &jobs[i]); err != nil {
			return "", err
		}
	}
	return string(bundle.AppendEnd(text)), nil
}

func golden(t *testing.T, name string) string {
	t.Helper()
	text, err := api.Example(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestStatusBundleIsWhatWasPublished(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file string
		jobs []report.Job
	}{
		{api.StatusEmpty, nil},
		{api.StatusFailed, []report.Job{seedJob(report.Failed)}},
		{api.StatusDone, []report.Job{seedJob(report.Done)}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(golden(t, tt.file), encode(fhir.Links{Base: base}, tt.jobs...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStatusBundleOfSeveral(t *testing.T) {
	t.Parallel()
	one := seedJob(report.Done)
	text := encode(fhir.Links{Base: base}, one, one, one)
	var bundle struct{ Entry []json.RawMessage }
	if err := json.Unmarshal([]byte(text), &bundle); err != nil {
		t.Fatal(err)
	}
	if len(bundle.Entry) != 3 {
		t.Errorf("%d entries, want 3", len(bundle.Entry))
	}
}

func TestAbsentParts(t *testing.T) {
	t.Parallel()
	job := seedJob(report.Queued)
	job.BinaryReference, job.Started, job.Ended = "", time.Time{}, time.Time{}
	text := encode(fhir.Links{Base: base}, job)
	for _, part := range []string{`"binary"`, `"started"`, `"ended"`, `null`, `""`, `{}`} {
		if strings.Contains(text, part) {
			t.Errorf("a queued job shows %s:\n%s", part, text)
		}
	}
}

func TestBinaryReference(t *testing.T) {
	t.Parallel()
	for stored, want := range map[string]string{
		"Binary/7":                               base + "/Binary/7",
		"Binary/7/_history/2":                    base + "/Binary/7/_history/2",
		"https://elsewhere.example/fhir/Binary/": "https://elsewhere.example/fhir/Binary/",
		"http://elsewhere.example/Binary/7":      "http://elsewhere.example/Binary/7",
	} {
		job := seedJob(report.Done)
		job.BinaryReference = stored
		if text := encode(fhir.Links{Base: base}, job); !strings.Contains(text, `{"reference":"`+want+`"}`) {
			t.Errorf("%s is not answered as %s:\n%s", stored, want, text)
		}
	}
}

func TestFullURL(t *testing.T) {
	t.Parallel()
	const id = "ce35bcd5-4bb2-4c6e-b230-5347df1fe9bc"
	for want, links := range map[string]fhir.Links{
		id:                         {Base: base},
		base + "/Parameters/" + id: {Base: base, AbsoluteFullURL: true},
	} {
		if text := encode(links, seedJob(report.Done)); !strings.Contains(text, `{"fullUrl":"`+want+`","resource"`) {
			t.Errorf("fullUrl is not %s:\n%s", want, text)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	copenhagen := time.FixedZone("CEST", 2*60*60)
	for _, tt := range []struct {
		time time.Time
		want string
	}{
		{time.Date(2023, 10, 12, 9, 51, 50, 0, time.UTC), "2023-10-12T09:51:50+00:00"},
		{time.Date(2023, 10, 12, 11, 51, 50, 0, copenhagen), "2023-10-12T09:51:50+00:00"},
		{time.Date(2023, 10, 12, 9, 51, 50, 999_999_000, time.UTC), "2023-10-12T09:51:50+00:00"},  // truncated, never rounded
		{time.Date(1969, 12, 31, 23, 59, 59, 500_000_000, time.UTC), "1969-12-31T23:59:59+00:00"}, // also before 1970
		{time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), "9999-12-31T23:59:59+00:00"},
		{time.Date(800, 1, 2, 3, 4, 5, 0, time.UTC), "0800-01-02T03:04:05+00:00"}, // four digits
	} {
		job := seedJob(report.Queued)
		job.Created = tt.time
		if text := encode(fhir.Links{Base: base}, job); !strings.Contains(text, `{"name":"created","valueDateTime":"`+tt.want+`"}`) {
			t.Errorf("%s is not written %s:\n%s", tt.time, tt.want, text)
		}
	}
}

// The stored Parameters resource stays the same, byte for byte.
func TestParametersAreAnsweredByteForByte(t *testing.T) {
	t.Parallel()
	for _, stored := range []string{
		`{ "parameter" : [ ] , "resourceType" : "Parameters" }`,
		`{"resourceType":"Parameters","parameter":[{"name":"x","valueDecimal":1.10}]}`,
		`{"resourceType":"Parameters","_unknown":{"a":1e400},"parameter":[{"name":"x","_valueString":{"id":"y"}}]}`,
		`{"resourceType":"Parameters","parameter":[{"name":"æ\u00f8å \ud83d\ude00 </script>"}]}`,
	} {
		job := seedJob(report.Done)
		job.Parameters = []byte(stored)
		if text := encode(fhir.Links{Base: base}, job); !strings.Contains(text, `"resource":`+stored+`}`) {
			t.Errorf("%s is answered changed:\n%s", stored, text)
		}
	}
}
