// SPDX-License-Identifier: Apache-2.0

package archive_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"reporting/internal/reports/archive"
)

// entries reads a zip file: headers without what depends on the compression, and texts.
func entries(t *testing.T, data []byte) (headers []zip.FileHeader, texts [][]byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		h := f.FileHeader
		h.CompressedSize64, h.CompressedSize = 0, 0 //nolint:staticcheck // to be left out
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		headers, texts = append(headers, h), append(texts, text)
	}
	return headers, texts
}

// A recorded archive and ours of the same content are the same, but for how far the
// compression got.
func TestRecordedArchive(t *testing.T) {
	t.Parallel()
	recorded, err := os.ReadFile("testdata/recorded.zip")
	if err != nil {
		t.Fatal(err)
	}
	wantHeaders, wantTexts := entries(t, recorded)
	var header struct {
		Time       time.Time       `json:"reportTime"`
		Parameters json.RawMessage `json:"parameters"`
	}
	if err := json.Unmarshal(wantTexts[0], &header); err != nil {
		t.Fatal(err)
	}
	var ours bytes.Buffer
	a, err := archive.New(&ours, archive.Header{Name: "PatientsUsageReport", Time: header.Time, Parameters: header.Parameters})
	if err == nil {
		err = errors.Join(a.Group("PatientsUsageSummary", "PatientsUsageSummary", json.RawMessage(wantTexts[1])), a.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	gotHeaders, gotTexts := entries(t, ours.Bytes())
	if len(gotHeaders) != len(wantHeaders) {
		t.Fatalf("%d files, want %d", len(gotHeaders), len(wantHeaders))
	}
	for n := range wantHeaders {
		got, want := fmt.Sprintf("%+v", gotHeaders[n]), fmt.Sprintf("%+v", wantHeaders[n])
		if got != want || !bytes.Equal(gotTexts[n], wantTexts[n]) {
			t.Errorf("file %d:\ngot  %s %s\nwant %s %s", n, got, gotTexts[n], want, wantTexts[n])
		}
	}
}

// Local headers are what streaming readers see; they agree with the directory.
func TestLocalHeaders(t *testing.T) {
	t.Parallel()
	recorded, err := os.ReadFile("testdata/recorded.zip")
	if err != nil {
		t.Fatal(err)
	}
	var ours bytes.Buffer
	a, err := archive.New(&ours, archive.Header{Name: "PatientsUsageReport", Time: time.Date(2026, 4, 16, 11, 46, 4, 242784649, time.UTC), Parameters: json.RawMessage(`{}`)})
	if err != nil || a.Close() != nil {
		t.Fatal(err)
	}
	const fixed = 30 + len("PatientsUsageReport_2026_04_16_11_46_04/ReportHeader")
	if !bytes.Equal(ours.Bytes()[:fixed], recorded[:fixed]) {
		t.Errorf("got  %x\nwant %x", ours.Bytes()[:fixed], recorded[:fixed])
	}
}

func TestTextIsKept(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	a, err := archive.New(&b, archive.Header{Name: "R", Time: time.Date(2024, 7, 29, 11, 9, 50, 100, time.FixedZone("", 7200)), Parameters: json.RawMessage("{ \"a\": \"<&>\u2028\" }")})
	if err == nil {
		err = a.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	headers, texts := entries(t, b.Bytes())
	if headers[0].Name != "R_2024_07_29_09_09_50/ReportHeader" {
		t.Error(headers[0].Name)
	}
	if want := "{\"reportName\":\"R\",\"reportTime\":\"2024-07-29T09:09:50.0000001Z\",\"parameters\":{\"a\":\"<&>\u2028\"}}"; string(texts[0]) != want {
		t.Errorf("got  %q\nwant %q", texts[0], want)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	a, err := archive.New(io.Discard, archive.Header{Name: "R", Time: time.Now(), Parameters: json.RawMessage(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", "..", "a/b", `a\b`} {
		if a.Group("G", id, 1) == nil {
			t.Errorf("%q became the name of a file", id)
		}
	}
}
