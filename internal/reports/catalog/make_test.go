// SPDX-License-Identifier: Apache-2.0

package catalog_test

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reporting/internal/fhir"
	"reporting/internal/report"
	"reporting/internal/reports/archive"
	"reporting/internal/reports/catalog"
)

var made = time.Date(2026, time.March, 1, 12, 30, 15, 123_000_000, time.FixedZone("CET", 3600))

func kind(generate catalog.Generator) *catalog.Report {
	return &catalog.Report{
		Name: "r", Class: "com.example.R", ReportName: "TheReport", Modes: []catalog.Mode{catalog.Execute},
		Parameters: []fhir.OperationParameter{{Name: "from", Max: "1", Type: "date"}, {Name: "unit", Max: "*", Type: "string"}},
		Generate:   generate,
	}
}

// files are what a folder for temporary ones holds.
func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

//nolint:paralleltest // the folder for temporary files is the process's
func TestMake(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	parameters := `{ "resourceType":"Parameters","parameter":[{"name":"unit","valueString":"a"},{"name":"anonymization","valueString":"anonyMIZED"},` +
		`{"name":"other","valueString":"x"},{"name":"from","valueDate":"2026-01"},{"name":"unit","valueString":"b"}]}`
	var told []string
	file, result, err := kind(func(_ context.Context, task catalog.Task, out catalog.Output) error {
		var given []string
		for _, input := range task.Inputs {
			given = append(given, input.Name+"="+input.Value.Text)
		}
		if diff := cmp.Diff([]string{"from=2026-01", "unit=a", "unit=b"}, given); diff != "" { // in the order of the description
			t.Error(diff)
		}
		if !task.Anonymized || !task.Time.Equal(made) {
			t.Errorf("%+v", task)
		}
		task.Progress("half")
		if left := files(t, dir); len(left) > 0 {
			t.Errorf("a process that is killed now leaves %v behind", left)
		}
		return errors.Join(out.Group("Units", "a", map[string]int{"n": 1}), out.Group("Units", "b", "<&>"), out.Group("Sum", "Sum", 1.50))
	}).Make(t.Context(), catalog.Request{Parameters: []byte(parameters), Time: made, Progress: func(text string) { told = append(told, text) }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if diff := cmp.Diff([]string{"half"}, told); diff != "" {
		t.Error(diff)
	}
	const folder = "TheReport_2026_03_01_11_30_15"
	if result.FileName != folder+".zip" || result.ContentType != archive.ContentType || result.Data != io.Reader(file) {
		t.Errorf("%+v", result)
	}
	archived, err := zip.NewReader(file, result.Size)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range archived.File {
		opened, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(opened)
		if err != nil {
			t.Fatal(err)
		}
		got[strings.TrimPrefix(f.Name, folder+"/")] = string(text)
	}
	want := map[string]string{
		"ReportHeader": `{"reportName":"TheReport","reportTime":"2026-03-01T11:30:15.123Z","parameters":` + strings.Replace(parameters, "{ ", "{", 1) + `}`,
		"Units/a":      `{"n":1}`, "Units/b": `"<&>"`, "Sum/Sum": "1.5",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if at, err := file.Seek(0, io.SeekCurrent); err != nil || at != 0 {
		t.Errorf("the file is read from %d, %v", at, err) // zip reads at places, and moves nothing
	}
}

// Whatever goes wrong, there is no file, and the cause is told.
//
//nolint:paralleltest // the folder for temporary files is the process's
func TestMakeInVain(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	const good = `{"resourceType":"Parameters","parameter":[{"name":"anonymization","valueString":"None"}]}`
	failure := &report.Failure{Reason: "The server was away"}
	for name, c := range map[string]struct {
		parameters string
		generate   catalog.Generator
		is         error
		lasting    bool
	}{
		"a failure":       {good, func(context.Context, catalog.Task, catalog.Output) error { return failure }, failure, false},
		"no parameters":   {`{"resourceType":"Bundle"}`, nil, nil, true},
		"broken ones":     {`{`, nil, nil, true},
		"a name too many": {good, func(_ context.Context, _ catalog.Task, out catalog.Output) error { return out.Group("a/b", "c", 1) }, nil, false},
		"no JSON": {good, func(_ context.Context, task catalog.Task, out catalog.Output) error {
			task.Progress("ignored")
			return out.Group("a", "b", func() {})
		}, nil, false},
		"half of it": {good, func(_ context.Context, _ catalog.Task, out catalog.Output) error {
			return errors.Join(out.Group("a", "b", 1), context.Canceled)
		}, context.Canceled, false},
	} {
		file, result, err := kind(c.generate).Make(t.Context(), catalog.Request{Parameters: []byte(c.parameters), Time: made})
		if err == nil || file != nil || result.Data != nil || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v, %+v, %v", name, file, result, err)
		}
		if told, ok := errors.AsType[*report.Failure](err); c.lasting && (!ok || !told.Permanent) {
			t.Errorf("%s: %v would be tried again", name, err)
		}
		if left := files(t, dir); len(left) > 0 {
			t.Errorf("%s: leaves %v behind", name, left)
		}
	}
	t.Setenv("TMPDIR", dir+"/missing")
	if file, _, err := kind(nil).Make(t.Context(), catalog.Request{Parameters: []byte(good)}); err == nil || file != nil {
		t.Errorf("made without a place to make it in: %v", err)
	}
}

func TestAnonymization(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]bool{
		"None": {false, true}, "NONE": {false, true}, "none": {false, true}, "ANONYMIZED": {true, true}, "Anonymized": {true, true},
		"": {}, "None\n": {}, "PSEUDONYMIZED": {}, "Nonе": {}, // the last letter is Cyrillic
	} {
		if anonymous, ok := catalog.ReadAnonymization(text); [2]bool{anonymous, ok} != want {
			t.Errorf("%q: %v, %v", text, anonymous, ok)
		}
	}
}

func TestDescription(t *testing.T) {
	t.Parallel()
	r := kind(nil)
	if r.Guard() != "$fetch-r" || !r.Allows(catalog.Execute) || r.Allows(catalog.Fetch) {
		t.Errorf("%s", r.Guard())
	}
	if r.Role = "$fetch-other"; r.Guard() != r.Role {
		t.Errorf("%s", r.Guard())
	}
	if inputs := r.Inputs(); len(inputs) != 3 || inputs[0].Name != catalog.Anonymization || inputs[0].Min != 1 {
		t.Errorf("%+v", inputs)
	}
	list := []catalog.Report{{Class: "a"}, *r}
	if catalog.ByClass(list, r.Class) != &list[1] || catalog.ByClass(list, "") != nil || catalog.ByClass(list, "COM.example.R") != nil {
		t.Error("the wrong class")
	}
}
