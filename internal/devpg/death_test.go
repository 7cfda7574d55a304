// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

func TestKilledOwnerLeavesNothing(t *testing.T) {
	t.Parallel()
	cmd, lines, temp := own(t, "hold", "")
	r := readReport(t, lines)
	began := time.Now()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	gone(t, 2*time.Second, filepath.Dir(r.Data), r.Pids)
	t.Logf("gone after %v", time.Since(began))
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestOwnerKilledDuringInitdb(t *testing.T) {
	t.Parallel()
	cmd, _, temp := own(t, "hold", "")
	working := ""
	for deadline := time.Now().Add(10 * time.Second); working == "" && time.Now().Before(deadline); {
		if hits, _ := filepath.Glob(filepath.Join(temp, tempPrefix+"*", "data", halfMade, "base")); len(hits) > 0 {
			working = filepath.Dir(filepath.Dir(filepath.Dir(hits[0])))
		}
	}
	if working == "" {
		t.Fatal("initdb has not begun")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	gone(t, 2*time.Second, working, nil)
}

// TestOwnerReplaced is what a development tool does that rebuilds and restarts: the new process comes while the old
// one's server is still shutting down.
func TestOwnerReplaced(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it starts clusters")
	}
	data := filepath.Join(room(t), "data")
	cmd, lines, _ := own(t, "hold", data)
	r := readReport(t, lines)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	s := begin(t, Options{DataDir: data})
	if got := ask(t, s, "show data_directory"); got != r.Data {
		t.Errorf("data folder %s, want %s", got, r.Data)
	}
}

// TestInterruptSparesPostgres sends what Ctrl-C in a terminal sends: SIGINT to the whole process group.
func TestInterruptSparesPostgres(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it starts a cluster")
	}
	cmd, lines, temp := own(t, "drain", "")
	r := readReport(t, lines)
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if !lines.Scan() || lines.Text() != "drained" {
		t.Errorf("helper said %q", lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("helper: %v", err)
	}
	gone(t, time.Second, filepath.Dir(r.Data), r.Pids)
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestCancelledStartLeavesNothing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it starts a cluster")
	}
	cmd, lines, _ := own(t, "cancel", "")
	for lines.Scan() {
		t.Error(lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestShells runs the supervisor under every shell that is here, since /bin/sh is dash on Debian, bash on Fedora and
// macOS, busybox on Alpine.
func TestShells(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: it starts a cluster for each shell")
	}
	user, err := unprivileged()
	if err != nil {
		t.Fatal(err)
	}
	bin, err := thisMachine(user).locate(t.Context(), "", 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, shell := range [][]string{{"dash"}, {"bash"}, {"bash", "--posix"}, {"busybox", "sh"}, {"ksh"}, {"zsh", "--emulate", "sh"}} {
		if _, err := exec.LookPath(shell[0]); err != nil {
			continue // every other test covers /bin/sh
		}
		t.Run(shell[0], func(t *testing.T) {
			t.Parallel()
			o := Options{}
			f, err := prepare(t.Context(), o, user)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.release() }()
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			args := append(slices.Clone(shell[1:]), "-c", bare(script), "test", f.top, f.data, f.init, "", "100", filepath.Join(bin.dir, "postgres"))
			cmd := exec.Command(shell[0], append(args, o.arguments(f, "shells")...)...)
			cmd.Dir, cmd.Env, cmd.SysProcAttr = "/", minimalEnv(), user.attributes()
			cmd.ExtraFiles = append([]*os.File{read}, f.locks...)
			cmd.Stderr = io.Discard
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			read.Close()
			s := &Server{socket: f.socket, nonce: "shells", done: make(chan struct{}), out: quiet()}
			if err := s.await(t.Context()); err != nil {
				t.Fatal(err)
			}
			pids := processesIn(f.data)
			began := time.Now()
			write.Close()
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			t.Logf("stopped in %v", time.Since(began))
			gone(t, 100*time.Millisecond, f.top, pids)
		})
	}
}
