// SPDX-License-Identifier: Apache-2.0

package fhir_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reporting/internal/fhir"
	"reporting/internal/fhir/fhirjson"
	"reporting/internal/report"
)

// A Bundle that leaves entry by entry is the Bundle that is written whole.
func TestStatusBundleInEveryStyle(t *testing.T) {
	t.Parallel()
	links := fhir.Links{Base: base}
	bare := seedJob(report.Queued)
	bare.BinaryReference, bare.Started, bare.Ended = "", moment(0), moment(0)
	failed := seedJob(report.Failed)
	failed.FailureReason = "The server was away <&>"
	all := []report.Job{seedJob(report.Done), bare, failed, seedJob(report.Failed)}
	for count := range len(all) + 1 {
		for _, outcomes := range []bool{false, true} {
			piecewise(t, links, outcomes, all[:count])
		}
	}
}

// piecewise holds a Bundle of some jobs equal to one that is written whole.
func piecewise(t *testing.T, links fhir.Links, outcomes bool, jobs []report.Job) {
	t.Helper()
	whole, err := samplyBundle(links, outcomes, jobs...)
	if err != nil {
		t.Fatal(err)
	}
	for _, pretty := range []bool{false, true} {
		style := fhir.Style{Format: fhir.XML, Pretty: pretty}
		want, err := fhir.Marshal(whole, style)
		if err != nil {
			t.Fatal(err)
		}
		got, err := encodeWith(style, links, outcomes, jobs...)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%d jobs, %+v (-whole +piecewise)\n%s", len(jobs), style, diff)
		}
	}
	compact, err := encodeWith(fhir.Style{}, links, outcomes, jobs...)
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := json.Indent(&want, []byte(compact), "", "  "); err != nil {
		t.Fatal(err)
	}
	got, err := encodeWith(fhir.Style{Pretty: true}, links, outcomes, jobs...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), got); diff != "" {
		t.Errorf("%d jobs, pretty JSON (-whole +piecewise)\n%s", len(jobs), diff)
	}
}

// What XML cannot hold is told, and what was written before stays as it was.
func TestStatusBundleThatXMLCannotHold(t *testing.T) {
	t.Parallel()
	bundle := fhir.NewStatusBundle(fhir.Links{Base: base}, fhir.Style{Format: fhir.XML})
	good, bad := seedJob(report.Done), seedJob(report.Done)
	bad.Parameters = []byte(`{"resourceType":"Parameters","parameter":[{"name":"x","unheardOf":1}]}`)
	text, err := bundle.AppendJob(nil, &good)
	if err != nil {
		t.Fatal(err)
	}
	before := string(text)
	text, err = bundle.AppendJob(text, &bad)
	fault, ok := errors.AsType[*fhirjson.Fault](err)
	if !ok || !strings.HasSuffix(fault.Expression, "resource.parameter[0].unheardOf") {
		t.Errorf("%v", err)
	}
	if string(text) != before {
		t.Errorf("left something behind: %s", text[len(before):])
	}
	if text, err = bundle.AppendJob(text, &good); err != nil || strings.Count(string(text), "<entry>") != 2 {
		t.Errorf("%v: %s", err, text)
	}
}

// What can be checked is what can be written.
func TestCheckAgreesWithAppend(t *testing.T) {
	t.Parallel()
	nested := func(depth int) string {
		const open, end = `"parameter":[{"name":"x","part":[`, `]}]`
		inner := strings.Repeat(`{"name":"x","part":[`, depth) + strings.Repeat(`]}`, depth)
		return `{"resourceType":"Parameters",` + open + inner + end + `}`
	}
	for _, style := range []fhir.Style{{}, {Pretty: true}, {Format: fhir.XML}, {Format: fhir.XML, Pretty: true}} {
		for _, change := range []func(*report.Job){
			func(*report.Job) {},
			func(j *report.Job) { j.ReportClass = "a\x01" },
			func(j *report.Job) { j.Status, j.FailureReason = report.Failed, "a\x01" }, // which is told legibly
			func(j *report.Job) { j.UserID = "\ufffe" },
			func(j *report.Job) { j.BinaryReference = "https://x.example/\x02" },
			func(j *report.Job) { j.Parameters = []byte(`{"resourceType":"Parameters","unheardOf":1}`) },
			func(j *report.Job) { j.Parameters = []byte(`{"resourceType":"Parameters","id":"","parameter":[]}`) },
			func(j *report.Job) { j.Parameters = []byte(nested(20)) },
			func(j *report.Job) { j.Parameters = []byte(nested(25)) },
			func(j *report.Job) { j.Parameters = []byte(nested(26)) },
			func(j *report.Job) { j.Parameters = []byte(nested(27)) },
			func(j *report.Job) { j.Parameters = []byte(nested(28)) },
			func(j *report.Job) { j.Parameters = []byte(nested(20_000)) },
			func(j *report.Job) { // more values than a body may have
				j.Parameters = []byte(`{"resourceType":"Parameters","parameter":[{"name":"a"}` + strings.Repeat(`,{"name":"a"}`, 30_000) + `]}`)
			},
		} {
			job := seedJob(report.Done)
			change(&job)
			bundle := fhir.NewStatusBundle(fhir.Links{Base: base}, style)
			bundle.Outcomes = true
			checked := bundle.Check(&job)
			_, written := bundle.AppendJob(nil, &job)
			if fmt.Sprint(checked) != fmt.Sprint(written) {
				t.Errorf("%+v: checked %v, written %v", style, checked, written)
			}
			if bundle.Lossless() && written != nil {
				t.Errorf("%+v is not lossless: %v", style, written)
			}
		}
	}
}

// A stored resource that nests deep must not be indented without end.
func TestPrettyStaysInProportion(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{
		strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000),
		strings.Repeat("[", 56) + strings.Repeat("1,", 100_000) + "1" + strings.Repeat("]", 56),
	} {
		job := seedJob(report.Done)
		job.Parameters = []byte(`{"resourceType":"Parameters","x":` + odd + `,"y":"\"]}"}`)
		text, err := encodeAs(fhir.Style{Pretty: true}, fhir.Links{Base: base}, job)
		if err != nil || len(text) > 10*len(odd)+100_000 {
			t.Errorf("%d bytes of %d, %v", len(text), len(job.Parameters), err)
		}
		decode(t, text)
	}
}

// A client may have sent what an outcome quotes: the outcome can be written in
// every style all the same.
func TestOutcomeInEveryStyle(t *testing.T) {
	t.Parallel()
	for _, format := range fhir.Formats() {
		for _, pretty := range []bool{false, true} {
			outcome := fhir.Outcome("request_1", fhir.Issue{Diagnostics: "a\x01\uffff\xffb <c> & \"d\"\n", Expression: "x"})
			text, err := fhir.Marshal(outcome, fhir.Style{Format: format, Pretty: pretty})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(text, []byte("a\ufffd\ufffd\ufffdb ")) {
				t.Errorf("%s: %s", format, text)
			}
			if format == fhir.XML {
				wellFormed(t, string(text))
			} else {
				decode(t, string(text))
			}
		}
	}
}

// What XML and pretty JSON cost beside compact JSON.
func BenchmarkStatusBundle(b *testing.B) {
	for _, style := range []fhir.Style{{}, {Pretty: true}, {Format: fhir.XML}, {Format: fhir.XML, Pretty: true}} {
		name := style.Format.String()
		if style.Pretty {
			name = "pretty-" + name
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			job := seedJob(report.Done)
			var buffer []byte
			bundle := fhir.NewStatusBundle(fhir.Links{Base: base}, style)
			for b.Loop() {
				var err error
				if buffer, err = bundle.AppendJob(buffer[:0], &job); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
