// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// unzip lists the files of a result.
func unzip(t testing.TB, data []byte) []*zip.File {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil || len(archive.File) == 0 {
		t.Fatalf("open zip file: %v: got %d bytes", err, len(data))
	}
	return archive.File
}

func content(t testing.TB, file *zip.File) string {
	t.Helper()
	reader, err := file.Open()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// zipEntry describes a file in a zip file, without what varies between reports.
type zipEntry struct {
	Name                string
	Method, Flags       uint16
	Creator, Reader     uint16
	Extra, Comment      string
	ExternalAttributes  uint32
	FolderIsTheTime     bool // reportTime in seconds, in UTC
	TimeIsTheHeaders    bool // reportTime, to two seconds
	EndsWithoutALineEnd bool
}

var stamp = regexp.MustCompile(`^([A-Za-z]+)_(\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d)/`)

// layout describes the files of a result, and returns the texts of the first and the last.
func layout(t testing.TB, data []byte) (list []zipEntry, header, summary string) {
	t.Helper()
	files := unzip(t, data)
	header = content(t, files[0])
	var parsed struct{ ReportTime time.Time }
	if err := json.Unmarshal([]byte(header), &parsed); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		m := stamp.FindStringSubmatch(file.Name)
		if m == nil {
			t.Fatalf("got file name %q, want <Report>_<time>/", file.Name)
		}
		text := content(t, file)
		written := file.Modified
		list = append(list, zipEntry{
			Name: strings.Replace(file.Name, m[2], "<time>", 1), Method: file.Method, Flags: file.Flags,
			Creator: file.CreatorVersion, Reader: file.ReaderVersion, Extra: string(file.Extra), Comment: file.Comment,
			ExternalAttributes: file.ExternalAttrs, FolderIsTheTime: m[2] == parsed.ReportTime.UTC().Format("2006_01_02_15_04_05"),
			TimeIsTheHeaders:    written.Sub(parsed.ReportTime).Abs() < 3*time.Second,
			EndsWithoutALineEnd: !strings.HasSuffix(text, "\n"),
		})
	}
	return list, header, content(t, files[len(files)-1])
}

var reportTime = regexp.MustCompile(`"reportTime":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z"`)

func TestW151_ArchiveMatchesTheRecording(t *testing.T) {
	t.Parallel()
	slow(t, "makes a report from recorded data")
	var recording binary
	if err := json.Unmarshal(recorded(t, "fetch").body, &recording); err != nil {
		t.Fatal(err)
	}
	want, wantHeader, wantSummary := layout(t, recording.bytes(t))
	server, user := reports(t), newUser()
	for name, b := range map[string]binary{
		"fetched":  server.do(t, order("fetch", usageStats, newUser(), anonymous)).binary(t),
		"executed": server.makeReport(t, user),
	} {
		got, header, summary := layout(t, b.bytes(t))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: layout (-recorded +ours)\n%s", name, diff)
		}
		if name == "executed" {
			header = strings.Replace(header, `"None"`, `"ANONYMIZED"`, 1)
		}
		if !reportTime.MatchString(wantHeader) || !reportTime.MatchString(header) {
			t.Errorf("%s: got no valid reportTime in %s", name, header)
		}
		timeless := func(text string) string { return reportTime.ReplaceAllString(text, `"reportTime":"<time>"`) }
		if diff := cmp.Diff(timeless(wantHeader), timeless(header)); diff != "" {
			t.Errorf("%s: ReportHeader (-recorded +ours)\n%s", name, diff)
		}
		if isRemote() {
			t.Log("skipped the numbers: they need a server with the data of this suite")
			continue
		}
		// The recording has one patient in April 2023 and two in May, as testdata/episodes.
		if diff := cmp.Diff(wantSummary, summary); diff != "" {
			t.Errorf("%s: PatientsUsageSummary (-recorded +ours)\n%s", name, diff)
		}
	}
}
