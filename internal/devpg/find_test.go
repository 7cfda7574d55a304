// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// place makes stub programs that only know their version.
func place(t *testing.T, dir string, major int) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"initdb", "postgres"} {
		text := fmt.Sprintf("#!/bin/sh\necho '%s (PostgreSQL) %d.1 (Debian %d.1-1)'\n", name, major, major)
		writeProgram(t, filepath.Join(dir, name), text)
	}
	return dir
}

func TestNewestFirst(t *testing.T) {
	t.Parallel()
	root := room(t)
	want := []string{"a/18/bin", "b/postgresql@17/bin", "pgsql-14/bin", "a/13/bin", "a/9.6/bin", "a/latest/bin"}
	for _, dir := range want {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	got := newestFirst([]string{root + "/a/*/bin", root + "/b/postgresql@*/bin", root + "/pgsql-*/bin"})
	for i := range got {
		got[i] = strings.TrimPrefix(got[i], root+"/")
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLocate(t *testing.T) {
	t.Parallel()
	root := room(t)
	user, err := unprivileged()
	if err != nil {
		t.Fatal(err)
	}
	v9 := place(t, root+"/usual/9.6/bin", 9)
	v13 := place(t, root+"/usual/13/bin", 13)
	v15 := place(t, root+"/usual/15/bin", 15)
	v16 := place(t, root+"/elsewhere/bin", 16)
	v17 := place(t, root+"/cache/got-1/usr/lib/postgresql/17/bin", 17)
	place(t, root+"/cache/new-2/usr/lib/postgresql/18/bin", 18) // not complete
	links := filepath.Join(root, "links")                       // what Debian's alternatives and Homebrew do
	if err := os.Mkdir(links, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(v16+"/postgres", links+"/postgres"); err != nil {
		t.Fatal(err)
	}
	half := filepath.Dir(place(t, root+"/half/bin", 16)) + "/bin"
	if err := os.Remove(half + "/initdb"); err != nil {
		t.Fatal(err)
	}
	usual := []string{root + "/usual/*/bin"}
	for _, test := range []struct {
		name   string
		m      machine
		binDir string
		want   int
		dir    string
		fails  string
	}{
		{name: "newest of the usual places", m: machine{globs: usual}, dir: v15},
		{name: "PATH before newer ones", m: machine{globs: usual, path: links, cache: root + "/cache"}, dir: v16},
		{name: "PATH has only one of the two", m: machine{globs: usual, path: half}, dir: v15},
		{name: "fetched copy", m: machine{cache: root + "/cache"}, dir: v17},
		{name: "installed before fetched", m: machine{globs: usual, cache: root + "/cache"}, dir: v15},
		{name: "PG_BINDIR before all", m: machine{bindir: v13, globs: usual, path: links}, dir: v13},
		{name: "option before PG_BINDIR", m: machine{bindir: v13}, binDir: v15, dir: v15},
		{name: "PG_BINDIR is not second-guessed", m: machine{bindir: half, globs: usual}, fails: "PG_BINDIR: folder " + half + " has no program initdb"},
		{name: "version of the cluster", m: machine{globs: usual, path: links}, want: 13, dir: v13},
		{name: "version that is nowhere", m: machine{globs: usual}, want: 14, fails: "install PostgreSQL 14"},
		{name: "only too old", m: machine{globs: []string{v9}}, fails: "too old"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.m.user = user
			bin, err := test.m.locate(t.Context(), test.binDir, test.want, slog.New(slog.DiscardHandler))
			if test.fails == "" && (err != nil || bin.dir != test.dir) {
				t.Errorf("got %v, %v, want %s", bin, err, test.dir)
			}
			if test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)) {
				t.Errorf("got %v, want %s", err, test.fails)
			}
		})
	}
}

// TestLibraries: a private copy of Debian's packages does not know where its libraries are, an installed one does.
func TestLibraries(t *testing.T) {
	t.Parallel()
	root := room(t)
	for _, dir := range []string{"usr/lib/x86_64-linux-gnu", "usr/lib/postgresql/15/bin", "lib/x86_64-linux-gnu"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	want := root + "/usr/lib/x86_64-linux-gnu:" + root + "/lib/x86_64-linux-gnu"
	if got := (binaries{dir: root + "/usr/lib/postgresql/15/bin"}).libraries(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, dir := range []string{"/usr/lib/postgresql/15/bin", "/opt/pg/bin", "/usr/pgsql-17/bin"} {
		if got := (binaries{dir: dir}).libraries(); got != "" {
			t.Errorf("%s: got %q, want none", dir, got)
		}
	}
}
