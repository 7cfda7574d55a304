// SPDX-License-Identifier: Apache-2.0

package fhirxml_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reporting/api"
	"reporting/internal/fhir/fhirjson"
	"reporting/internal/fhir/fhirxml"
)

var update = flag.Bool("update", false, "write the golden files anew")

// resources returns the resources that are compared with golden files, by name.
func resources(t testing.TB) map[string]string {
	t.Helper()
	list := make(map[string]string)
	for _, name := range []string{"patient", "outcome", "parameters", "capability"} {
		text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		list[name] = string(text)
	}
	for _, name := range []string{api.StatusDone, api.StatusFailed, api.StatusEmpty} {
		text, err := api.Example(name)
		if err != nil {
			t.Fatal(err)
		}
		list[strings.TrimSuffix(name, ".json")] = text
	}
	return list
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, text := range resources(t) {
		got := encode(t, fhirxml.Encoder{Pretty: true}, tree(t, text)) + "\n"
		file := filepath.Join("testdata", name+".xml")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for name, text := range resources(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			roundTrip(t, text)
		})
	}
	for name, text := range map[string]string{
		"nothing but a type":            `{"resourceType":"Patient"}`,
		"members in another order":      `{"id":"a","active":true,"name":[{"given":["b"],"family":"c","id":"d"}],"resourceType":"Patient"}`,
		"text like a reference":         `{"resourceType":"Patient","id":"&lt;&#10;&amp;amp;"}`,
		"text like markup":              `{"resourceType":"Patient","id":"]]><!--x--><?y?>"}`,
		"the last and first characters": `{"resourceType":"Patient","id":"\ufffd\ue000\ud7ff\u0085\u2028\ud83f\udffe\udbff\udfff "}`,
		"numbers keep their spelling":   `{"resourceType":"Bundle","total":-0,"entry":[{"search":{"score":1.10}},{"search":{"score":1E+400}}]}`,
		"id of a backbone element":      `{"resourceType":"Patient","contact":[{"id":"a","gender":"other"}]}`,
		"only an id":                    `{"resourceType":"Patient","contact":[{"id":"a"}]}`,
		"extras before their values":    `{"resourceType":"Patient","_birthDate":{"id":"a"},"birthDate":"2000"}`,
		"extras of a list, all absent":  `{"resourceType":"Patient","name":[{"_given":[{"extension":[{"url":"u"}]},{"extension":[{"url":"v"}]}]}]}`,
		"extras of a list, last only":   `{"resourceType":"Patient","name":[{"given":["a","b"],"_given":[null,{"id":"x"}]}]}`,
		"an extension without url":      `{"resourceType":"Patient","extension":[{"valueString":"x"}]}`, // minimums are not checked
		"resources in resources": `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Bundle","entry":[{"resource":
			{"resourceType":"Patient","contained":[{"resourceType":"Patient","id":"x"},{"resourceType":"Binary"}]}}]},
			"response":{"status":"200","outcome":{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"invalid"}]}}}]}`,
		"every primitive list":    `{"resourceType":"Parameters","parameter":[{"name":"x","valueDataRequirement":{"type":"Patient","profile":["a"],"mustSupport":["b","c"]}}]}`,
		"an element called value": `{"resourceType":"Patient","identifier":[{"value":"x","_value":{"id":"y"}}]}`,
		"an element called url":   `{"resourceType":"ValueSet","url":"x","_url":{"extension":[{"url":"y","valueUrl":"z"}]}}`,
		"an element called text":  `{"resourceType":"Patient","maritalStatus":{"text":"x"}}`,
		"elements of sampled data": `{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueSampledData":{"origin":{"value":0},"period":1.0,"dimensions":1,"data":"1 2"},
			"component":[{"code":{"text":"x"},"valueInteger":3}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			roundTrip(t, text)
		})
	}
}

// roundTrip turns JSON into XML and back, in both forms of XML.
func roundTrip(t *testing.T, text string) {
	t.Helper()
	v := tree(t, text)
	if faults := fhirjson.Check(v); len(faults) > 0 {
		t.Errorf("the input has faults: %v", faults)
	}
	for _, encoder := range []fhirxml.Encoder{{}, {Pretty: true}} {
		written := encode(t, encoder, v)
		wellFormed(t, written)
		back, err := fhirxml.Parse([]byte(written))
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		if diff := unlike(meaning(t, v), meaning(t, back)); diff != "" {
			t.Errorf("(-before +after)\n%s\n%s", diff, written)
		}
		if again := encode(t, encoder, back); again != written {
			t.Errorf("written anew it is\n%s\nnot\n%s", again, written)
		}
	}
}

// Equal trees come from XML whose elements stand in the order of the type and
// from any other.
func TestOrderIsMadeNotKept(t *testing.T) {
	t.Parallel()
	const mixed = `<Patient xmlns="http://hl7.org/fhir"><link><type value="refer"/></link><name><family value="f"/></name>
		<active value="true"/><link><type value="seealso"/></link><id value="a"/></Patient>`
	v, err := fhirxml.Parse([]byte(mixed))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"resourceType":"Patient","id":"a","active":true,"name":[{"family":"f"}],"link":[{"type":"refer"},{"type":"seealso"}]}`
	if got := string(v.AppendJSON(nil)); got != want {
		t.Error(got)
	}
}
