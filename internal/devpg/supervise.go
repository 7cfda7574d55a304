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

// grace is how long the supervisor lets a fast shutdown take, in tenths of a second.
const grace = "100"

// minimalEnv keeps PG* variables, locales and time zones of the caller away from Postgres.
func minimalEnv() []string {
	return []string{"LC_ALL=C", "TZ=UTC", "PATH=/usr/bin:/bin:/usr/sbin:/sbin"}
}

// supervisor builds the command of the shell that owns Postgres, and the pipe whose closing ends both. A shell
// outlives kill -9 of our process, needs no thread of ours (as Linux' parent-death signal does) and is everywhere.
func supervisor(f *folders, bin binaries, args []string, out *tail) (cmd *exec.Cmd, owner *os.File, err error) {
	// Both ends are close-on-exec, so no other child of ours can keep the pipe open.
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make supervisor pipe: %w", err)
	}
	line := []string{"-c", bare(script), "reporting-postgres", f.top, f.data, f.init, bin.libraries(), grace}
	line = append(line, filepath.Join(bin.dir, "postgres"))
	//nolint:noctx // it ends with its pipe, and must not be killed before it has cleaned up
	cmd = exec.Command("/bin/sh", append(line, args...)...)
	cmd.Dir = "/" // a folder that every user may enter, and that nobody wants to remove
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

// bare drops comment lines, for the sake of whoever reads a process list.
func bare(script string) string {
	var b strings.Builder
	for line := range strings.Lines(script) {
		if text := strings.TrimSpace(line); text != "" && text[0] != '#' {
			b.WriteString(line)
		}
	}
	return b.String()
}

// tail keeps the end of what Postgres says, for the error of a failed start, and passes lines on to the log.
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

// String is one line, since it ends up in an error.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.kept) == 0 {
		return "it said nothing"
	}
	return strings.Join(strings.FieldsFunc(string(t.kept), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
