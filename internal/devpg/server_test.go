// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestStopLeavesNothing(t *testing.T) {
	t.Parallel()
	s := begin(t, Options{Settings: map[string]string{"max_connections": "17"}})
	data := ask(t, s, "show data_directory")
	pids := append(processesIn(data), group(s.cmd.Process.Pid)...)
	if len(pids) < 3 {
		t.Fatalf("found only processes %v", pids)
	}
	for setting, want := range map[string]string{
		"fsync": "off", "max_connections": "17", "listen_addresses": "", "server_encoding": "UTF8", "timezone": "UTC",
	} {
		if got := ask(t, s, "show "+setting); got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	info, err := os.Stat(s.socket)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("socket folder: %v, %v; every client that connects is a superuser", info.Mode(), err)
	}
	for range 2 { // a second Stop is harmless
		if err := s.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	gone(t, time.Second, filepath.Dir(data), pids)
	select {
	case <-s.Done():
	default:
		t.Error("Done is open after Stop")
	}
}

func TestTwoServersAtOnce(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it starts two clusters")
	}
	a, b := begin(t, Options{}), begin(t, Options{})
	if ask(t, a, "show cluster_name") == ask(t, b, "show cluster_name") {
		t.Error("two servers are one")
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	ask(t, b, "select 'still here'")
}

func TestKeptData(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it starts a cluster several times")
	}
	dir := room(t)
	// The socket setting is a list of quoted names, so quotes and blanks are worth a try.
	o := Options{DataDir: filepath.Join(dir, "some data"), SocketDir: filepath.Join(dir, `a "b" `)}
	s := begin(t, o)
	url := s.URL("postgres", "postgres")
	if got := ask(t, s, "show fsync"); got != "on" {
		t.Errorf("fsync is %s on kept data", got)
	}
	ask(t, s, "select lo_from_bytea(4711, 'stopped')::text")
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}

	s = begin(t, o)
	if got := s.URL("postgres", "postgres"); got != url {
		t.Errorf("URL changed from %s to %s", url, got)
	}
	if got := ask(t, s, "select convert_from(lo_get(4711), 'UTF8')"); got != "stopped" {
		t.Errorf("after Stop: %q", got)
	}
	ask(t, s, "select lo_from_bytea(4712, 'killed')::text")
	pids := processesIn(o.DataDir)
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	gone(t, 100*time.Millisecond, "", pids)
	if err := s.Kill(); err != nil { // as harmless as a second Stop
		t.Fatal(err)
	}

	s = begin(t, o)
	if got := ask(t, s, "select convert_from(lo_get(4712), 'UTF8')"); got != "killed" {
		t.Errorf("after Kill: %q", got)
	}
}

func TestSecondStartIsRefused(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it waits for a lock")
	}
	dir := room(t)
	o := Options{DataDir: filepath.Join(dir, "data"), SocketDir: filepath.Join(dir, "s")}
	first := begin(t, o)
	if _, err := Start(t.Context(), o); !errors.Is(err, errLocked) {
		t.Errorf("same data folder: %v", err)
	}
	// Another folder, same socket: postgres itself refuses, although the first one answers there.
	second := Options{SocketDir: o.SocketDir}
	if _, err := Start(t.Context(), second); err == nil || !strings.Contains(err.Error(), "another server") && !strings.Contains(err.Error(), "lock file") {
		t.Errorf("same socket folder: %v", err)
	}
	ask(t, first, "select 'unharmed'")
	stranger := &Server{socket: first.socket, nonce: "another", done: make(chan struct{}), out: quiet()}
	if err := stranger.await(t.Context()); err == nil || !strings.Contains(err.Error(), "another server") {
		t.Errorf("foreign server taken for ours: %v", err)
	}
}

func TestReasonOfFailedStart(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it starts a cluster")
	}
	dir := filepath.Join(room(t), "data")
	_, err := Start(t.Context(), Options{DataDir: dir, Settings: map[string]string{"shared_buffers": "plenty"}})
	if err == nil || !strings.Contains(err.Error(), `invalid value for parameter "shared_buffers": "plenty"`) {
		t.Errorf("error hides the reason: %v", err)
	}
	begin(t, Options{DataDir: dir}) // the lock is free again
}

// TestDeathOfPart ends one process by force. Done must tell, and nothing may stay.
func TestDeathOfPart(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it starts and kills several clusters")
	}
	postmaster := func(t *testing.T, _ *Server, data string) int {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.Fields(string(text))[0])
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	shell := func(_ *testing.T, s *Server, _ string) int { return s.cmd.Process.Pid }
	whole := func(_ *testing.T, s *Server, _ string) int { return -s.cmd.Process.Pid }
	for _, test := range []struct {
		name   string
		victim func(*testing.T, *Server, string) int
	}{
		{"postmaster", postmaster},
		{"shell", shell},
		{"shell, watcher and postmaster", whole},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := begin(t, Options{})
			data := ask(t, s, "show data_directory")
			go func() { // a busy child notices the death of its postmaster late
				var n int
				_ = queryRow(s.URL("postgres", "postgres"), "select 1 from pg_sleep(60)", &n)
			}()
			for len(processesIn(data)) < 7 {
				time.Sleep(5 * time.Millisecond)
			}
			pids := append(processesIn(data), group(s.cmd.Process.Pid)...)
			if err := syscall.Kill(test.victim(t, s, data), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			select {
			case <-s.Done():
			case <-time.After(5 * time.Second):
				t.Error("Done stays open")
			}
			gone(t, 200*time.Millisecond, filepath.Dir(data), pids)
		})
	}
}

// TestStopIsBounded stops a server whose postmaster has stopped listening to anything but SIGKILL.
func TestStopIsBounded(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it starts a cluster")
	}
	s := begin(t, Options{})
	s.patience = 200 * time.Millisecond
	data := ask(t, s, "show data_directory")
	pids := processesIn(data)
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Stop: %v", err)
	}
	gone(t, time.Second, filepath.Dir(data), pids)
}
