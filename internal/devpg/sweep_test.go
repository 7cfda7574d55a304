// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestSweep(t *testing.T) {
	t.Parallel()
	root := room(t)
	user, err := unprivileged()
	if err != nil {
		t.Fatal(err)
	}
	put := func(name, file, text string) string {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Join(path, filepath.Dir(file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	stale := put("pg-stale", "data/base", "")
	// After a crash of the machine the process id belongs to another process; here to this one.
	reused := put("pg-reused", "data/postmaster.pid", strconv.Itoa(os.Getpid())+"\n")
	empty := filepath.Join(root, "pg-empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	other := put("other-stale", "data/base", "")
	file := filepath.Join(put("plain", "x", ""), "..", "pg-file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(root, "pg-link")
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}
	live, lock, err := newLockedFolder(root, "pg-")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()

	sweep(root, "pg-", user, slog.New(slog.DiscardHandler))
	for path, stays := range map[string]bool{stale: false, reused: false, empty: false, other: true, file: true, link: true, live: true} {
		if _, err := os.Lstat(path); (err == nil) != stays {
			t.Errorf("%s stays: %v, want %v", path, err == nil, stays)
		}
	}
}

// TestSweepStopsPostgres has a server in a folder with our prefix that no process holds.
func TestSweepStopsPostgres(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it starts and kills a cluster")
	}
	root := room(t)
	top := filepath.Join(root, "pg-orphan")
	s := begin(t, Options{DataDir: filepath.Join(top, "data"), SocketDir: filepath.Join(top, "s")})
	user, err := unprivileged()
	if err != nil {
		t.Fatal(err)
	}
	pids := processesIn(s.data)
	// Only postgres is left, as after kill -9 of the owner and of its supervisor.
	if err := syscall.Kill(s.cmd.Process.Pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	sweep(root, "pg-", user, slog.New(slog.DiscardHandler))
	t.Logf("swept in %v", time.Since(began))
	gone(t, 100*time.Millisecond, top, pids)
	if err := syscall.Kill(s.cmd.Process.Pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

// TestSweepRace makes folders while others sweep: what has been handed out must stay.
func TestSweepRace(t *testing.T) {
	t.Parallel()
	root := room(t)
	var stop atomic.Bool
	var makers, sweepers sync.WaitGroup
	for range 3 {
		sweepers.Go(func() {
			for !stop.Load() {
				sweep(root, "pg-", nil, slog.New(slog.DiscardHandler))
			}
		})
	}
	for range 4 {
		makers.Go(func() {
			for range 100 {
				path, lock, err := newLockedFolder(root, "pg-")
				if err != nil {
					t.Error(err)
					continue
				}
				if err := os.Mkdir(filepath.Join(path, "data"), 0o700); err != nil {
					t.Error("swept under a living owner:", err)
				}
				lock.Close()
			}
		})
	}
	makers.Wait()
	stop.Store(true)
	sweepers.Wait()
}
