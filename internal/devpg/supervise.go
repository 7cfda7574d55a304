// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"bytes"
	_ "embed"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

//go:embed supervise.sh
var script string

// grace is the time limit of a fast shutdown, in tenths of a second.
const grace = "100"

// minimalEnv keeps PG* variables, locales and time zones of the caller away from Postgres.
func minimalEnv() []string {
	return []string{"LC_ALL=C", "TZ=UTC", "PATH=/usr/bin:/bin:/usr/sbin:/sbin"}
}

// supervisor returns the command of the shell that owns Postgres, and the pipe whose closing
// ends both. A shell survives kill -9 of our process, needs no thread, and exists on every
// machine.
func supervisor(f *folders, bin binaries, args []string, out *tail) (cmd *exec.Cmd, owner *os.File, err error) {
	// Both ends are close-on-exec, so that no other child keeps the pipe open.
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make supervisor pipe: %w", err)
	}
	line := []string{"-c", bare(script), "reporting-postgres", f.top, f.data, f.init, bin.libraries(), grace}
	line = append(line, filepath.Join(bin.dir, "postgres"))
	//nolint:noctx // it ends with its pipe, and must not be killed before it has cleaned up
	cmd = exec.Command("/bin/sh", append(line, args...)...)
	cmd.Dir = "/" // every user can enter it, and no process removes it
	cmd.Env = minimalEnv()
	cmd.SysProcAttr = f.user.attributes()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.ExtraFiles = append([]*os.File{read}, f.locks...)
	cmd.WaitDelay = 500 * time.Millisecond // for processes that survive the shell and hold its output open
	if err := cmd.Start(); err != nil {
		read.Close()
		write.Close()
		return nil, nil, fmt.Errorf("run supervisor: %w", err)
	}
	read.Close()
	return cmd, write, nil
}

// bare removes comment lines, which would make process lists long.
func bare(script string) string {
	var b strings.Builder
	for line := range strings.Lines(script) {
		if text := strings.TrimSpace(line); text != "" && text[0] != '#' {
			b.WriteString(line)
		}
	}
	return b.String()
}

// tail keeps the last output of Postgres for the error of a failed start, and passes lines on to
// the log.
type tail struct {
	log *slog.Logger

	mu   sync.Mutex
	kept []byte
}

const tailSize = 2000

func (t *tail) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		t.log.Debug("postgres", "says", string(bytes.TrimSpace(line)))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if extra := len(t.kept) - tailSize; extra > 0 {
		t.kept = append([]byte(nil), t.kept[extra:]...)
	}
	return len(p), nil
}

// String returns one line, for an error.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.kept) == 0 {
		return "it said nothing"
	}
	return strings.Join(strings.FieldsFunc(string(t.kept), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
