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

	"reporting/internal/episode"
	"reporting/internal/source/ndjson"
)

func line(patient string) string {
	return `{"resourceType":"EpisodeOfCare","status":"active","patient":{"reference":"Patient/` + patient + `"},"period":{"start":"2023-04-03"}}`
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	data := []byte(text)
	if strings.HasSuffix(name, ".gz") {
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
	write(t, dir, "Patient.ndjson", "not ours")
	write(t, dir, "EpisodeOfCare.txt", "nor this")
	got, err := patients(t.Context(), dir)
	if err != nil || !slices.Equal(got, []string{"1", "2", "3", "4"}) {
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
		"empty":       {"Patient.ndjson", line("1"), "no EpisodeOfCare*.ndjson"},
		"cut off":     {"EpisodeOfCare.ndjson", line("1") + "\n" + line("2")[:40], "EpisodeOfCare.ndjson, line 2: "},
		"not gzip":    {"EpisodeOfCare.1.ndjson", line("1"), ""},
		"another one": {"EpisodeOfCare.ndjson", `{"resourceType":"Patient"}`, "line 1: is no EpisodeOfCare"},
		"endless":     {"EpisodeOfCare.ndjson", strings.Repeat(" ", 5<<20), "too long"},
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
