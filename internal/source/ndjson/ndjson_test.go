// SPDX-License-Identifier: Apache-2.0

package ndjson_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"reporting/internal/source/episode"
	"reporting/internal/source/ndjson"
)

func line(patient string) string {
	return `{"resourceType":"EpisodeOfCare","status":"active","patient":{"reference":"Patient/` + patient + `"},"period":{"start":"2023-04-03"}}`
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	data := []byte(text)
	if strings.HasSuffix(strings.ToLower(name), ".gz") {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write(data)
		_ = w.Close()
		data = packed.Bytes()
	}
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func patients(ctx context.Context, dir string) (names []string, err error) {
	err = ndjson.New(dir, time.UTC).Each(ctx, func(e *episode.Episode) error {
		names = append(names, strings.TrimPrefix(e.Patient, "Patient/"))
		return nil
	})
	return names, err
}

func TestFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "EpisodeOfCare.0001.ndjson", line("1")+"\n\n"+line("2")+"\r\n")
	write(t, dir, "EpisodeOfCare.0002.ndjson.gz", line("3")+"\n"+line("4")) // no last newline
	write(t, dir, "export-7-episodeofcare.NDJSON", line("5"))
	write(t, dir, "export-8-episodeofcare.NDJSON.GZ", line("6"))
	write(t, dir, "Patient.ndjson", "not ours")
	write(t, dir, "EpisodeOfCare.txt", "nor this")
	write(t, dir, "EpisodeOfCare.0003.ndjson.part", "nor this, which is on its way")
	got, err := patients(t.Context(), dir)
	if err != nil || !slices.Equal(got, []string{"1", "2", "3", "4", "5", "6"}) {
		t.Errorf("%v, %v", got, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := patients(ended, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	enough := errors.New("enough")
	if err := ndjson.New(dir, time.UTC).Each(t.Context(), func(*episode.Episode) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
}

// Whatever is not whole is an error that says where.
func TestBrokenFolders(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, text, want string }{
		"empty":           {"Patient.ndjson", line("1"), "no file named *EpisodeOfCare*.ndjson or .ndjson.gz in the folder"},
		"full of nothing": {"EpisodeOfCare.ndjson.gz", "\n \n", "hold no episode of care"},
		"cut off":         {"EpisodeOfCare.ndjson", line("1") + "\n" + line("2")[:40], "EpisodeOfCare.ndjson, line 2: "},
		"not gzip":        {"EpisodeOfCare.1.ndjson", line("1"), ""},
		"another one":     {"EpisodeOfCare.ndjson", `{"resourceType":"Patient"}`, "line 1: is no EpisodeOfCare"},
		"endless":         {"EpisodeOfCare.ndjson", strings.Repeat(" ", 5<<20), "too long"},
	} {
		dir := t.TempDir()
		write(t, dir, c.file, c.text)
		if name == "not gzip" {
			if err := os.Rename(filepath.Join(dir, c.file), filepath.Join(dir, c.file+".gz")); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := patients(t.Context(), dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := t.TempDir()
	write(t, dir, "EpisodeOfCare.ndjson.gz", strings.Repeat(line("1")+"\n", 100))
	whole, err := os.ReadFile(filepath.Join(dir, "EpisodeOfCare.ndjson.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "EpisodeOfCare.ndjson.gz"), whole[:len(whole)-12], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := patients(t.Context(), dir); err == nil {
		t.Error("a file that was cut off looked whole")
	}
	if _, err := patients(t.Context(), filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a folder that is not there looked empty")
	}
}

// An export that is written while it is read may be told in part, or twice.
func TestFolderThatChanges(t *testing.T) {
	t.Parallel()
	const first, second = "EpisodeOfCare.1.ndjson", "EpisodeOfCare.2.ndjson"
	for name, c := range map[string]struct {
		change  func(dir string) error
		noticed bool
	}{
		"another file": {func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "EpisodeOfCare.0.ndjson"), []byte(line("0")), 0o600)
		}, true},
		"a longer file": {func(dir string) error { return os.WriteFile(filepath.Join(dir, first), []byte(line("1234")), 0o600) }, true},
		"a newer file": {func(dir string) error {
			return os.Chtimes(filepath.Join(dir, first), time.Time{}, time.Now().Add(time.Hour))
		}, true},
		"another name": {func(dir string) error {
			return os.Rename(filepath.Join(dir, first), filepath.Join(dir, "EpisodeOfCare.3.ndjson"))
		}, true},
		"a file less":      {func(dir string) error { return os.Remove(filepath.Join(dir, first)) }, true},
		"no folder at all": {os.RemoveAll, true},
		"of another type":  {func(dir string) error { return os.WriteFile(filepath.Join(dir, "Patient.ndjson"), []byte("{}"), 0o600) }, false},
	} {
		dir := t.TempDir()
		write(t, dir, first, line("1"))
		write(t, dir, second, line("2"))
		err := ndjson.New(dir, time.UTC).Each(t.Context(), func(e *episode.Episode) error {
			if e.Patient == "Patient/2" {
				return c.change(dir)
			}
			return nil
		})
		if noticed := err != nil && err.Error() == "the folder changed while it was read"; noticed != c.noticed || !noticed && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
