// SPDX-License-Identifier: Apache-2.0

package fhirxml_test

import (
	"encoding/json"
	"testing"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/api"
	"reporting/internal/fhir/fhirxml"
)

// BenchmarkStatusBundle writes the published answer as XML from its tree, and as
// JSON from samply's types by encoding/json, in turns: what counts is how much
// longer the one takes than the other.
func BenchmarkStatusBundle(b *testing.B) {
	text, err := api.Example(api.StatusDone)
	if err != nil {
		b.Fatal(err)
	}
	v := tree(b, text)
	bundle, err := models.UnmarshalBundle([]byte(text))
	if err != nil {
		b.Fatal(err)
	}
	var asXML, asJSON time.Duration
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		begin := time.Now()
		if buffer, err = (fhirxml.Encoder{}).AppendResource(buffer[:0], v); err != nil {
			b.Fatal(err)
		}
		between := time.Now()
		if _, err := json.Marshal(bundle); err != nil {
			b.Fatal(err)
		}
		asXML += between.Sub(begin)
		asJSON += time.Since(between)
	}
	b.ReportMetric(float64(asXML.Nanoseconds())/float64(b.N), "xml-ns/op")
	b.ReportMetric(float64(asJSON.Nanoseconds())/float64(b.N), "json-ns/op")
	b.ReportMetric(float64(asXML)/float64(asJSON), "xml/json")
}

func BenchmarkParse(b *testing.B) {
	text, err := api.Example(api.StatusDone)
	if err != nil {
		b.Fatal(err)
	}
	written := []byte(encode(b, fhirxml.Encoder{Pretty: true}, tree(b, text)))
	b.SetBytes(int64(len(written)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fhirxml.Parse(written); err != nil {
			b.Fatal(err)
		}
	}
}
