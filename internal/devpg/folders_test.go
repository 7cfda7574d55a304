// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	dir := room(t)
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		writeProgram(t, path, text)
		return filepath.Dir(path)
	}
	stub := func(name, version string) string {
		write(name+"/initdb", "#!/bin/sh\necho out of luck >&2; exit 1\n")
		return write(name+"/postgres", "#!/bin/sh\necho '"+version+"'\n")
	}
	photos := write("photos/beach.jpg", "")
	for _, test := range []struct {
		name string
		o    Options
		want string
	}{
		{"folder with other things", Options{DataDir: photos}, "neither empty nor a PostgreSQL cluster (it holds beach.jpg)"},
		{"data folder is a file", Options{DataDir: filepath.Join(photos, "beach.jpg")}, "beach.jpg"},
		{"cluster of another major version", Options{DataDir: write("old/PG_VERSION", "9\n")}, "data folder belongs to PostgreSQL 9, but the programs in"},
		{"damaged cluster", Options{DataDir: write("odd/PG_VERSION", "\n")}, "read cluster version"},
		{"long socket path", Options{SocketDir: filepath.Join(dir, strings.Repeat("x", 100))}, "choose a shorter folder"},
		{"comma in socket path", Options{SocketDir: filepath.Join(dir, "a,b")}, "holds a comma"},
		{"setting that isolation rests on", Options{Settings: map[string]string{"Listen-Addresses": "*"}}, "setting Listen-Addresses is fixed"},
		{"BinDir missing", Options{BinDir: filepath.Join(dir, "none")}, "BinDir: folder " + filepath.Join(dir, "none") + " has no program initdb"},
		{"BinDir without postgres", Options{BinDir: write("half/initdb", "")}, "has no program postgres"},
		{"BinDir too old", Options{BinDir: stub("v9", "postgres (PostgreSQL) 9.6.24")}, "has PostgreSQL 9, too old: at least 13"},
		{"BinDir of something else", Options{BinDir: stub("mad", "mad 1.0")}, `postgres --version says "mad 1.0"`},
		{"BinDir that does not run", Options{BinDir: stub("sad", "x'; echo no such library; exit 127; '")}, "no such library"},
		{"initdb fails", Options{BinDir: stub("v17", "postgres (PostgreSQL) 17.5")}, "out of luck"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := Start(t.Context(), test.o)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	t.Cleanup(func() {
		if _, err := os.Stat(filepath.Join(photos, "beach.jpg")); err != nil {
			t.Error("a refused folder was changed:", err)
		}
	})
}

// TestClosedFolder is the trap of t.TempDir and of /root for a root process.
func TestClosedFolder(t *testing.T) {
	t.Parallel()
	closed := room(t)
	data := filepath.Join(closed, "a", "data")
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		begin(t, Options{DataDir: data}) // to its owner it is open
		return
	}
	_, err := Start(t.Context(), Options{DataDir: data})
	if err == nil || !strings.Contains(err.Error(), "chmod o+x "+closed) {
		t.Errorf("no advice: %v", err)
	}
	if _, err := os.Lstat(filepath.Dir(data)); err == nil {
		t.Error("folders were made for nothing")
	}
}

// TestHalfMadeCluster starts where an earlier start was killed.
func TestHalfMadeCluster(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it interrupts initdb")
	}
	for name, files := range map[string][]string{
		"within initdb":           {".initdb/PG_VERSION", ".initdb/base/1/2"},
		"while moving the result": {"base/1/2", "global/pg_control", "postgresql.conf", ".initdb/PG_VERSION"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := filepath.Join(room(t), "data")
			for _, file := range files {
				path := filepath.Join(data, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s := begin(t, Options{DataDir: data})
			ask(t, s, "select 'whole'")
			if _, err := os.Lstat(filepath.Join(data, halfMade)); err == nil {
				t.Error("the work folder stayed")
			}
		})
	}
}

// TestOwnersCluster takes over what another user has made, as root, and leaves it theirs.
func TestOwnersCluster(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it starts clusters")
	}
	data := filepath.Join(room(t), "data")
	s := begin(t, Options{DataDir: data})
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		return // nothing to take over
	}
	for _, uid := range []int{0, 12345} { // a copied volume; the user's own earlier start
		err := filepath.Walk(data, func(path string, _ os.FileInfo, err error) error {
			if err != nil {
				return err
			}
			return os.Lchown(path, uid, uid)
		})
		if err != nil {
			t.Fatal(err)
		}
		s := begin(t, Options{DataDir: data})
		ask(t, s, "select 'mine'")
		info, err := os.Stat(data)
		if err != nil {
			t.Fatal(err)
		}
		if owner := ownerOf(info); uid != 0 && owner.uid != uint32(uid) || owner.uid == 0 {
			t.Errorf("folder of %d now belongs to %d", uid, owner.uid)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
