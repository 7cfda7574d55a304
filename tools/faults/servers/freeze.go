// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Freeze halts the server with all its sessions: connections stay open, and new ones are
// accepted by the kernel, but nobody answers.
func (p *Postgres) Freeze() error { return p.signalFamily(syscall.SIGSTOP) }

// Thaw lets it go on.
func (p *Postgres) Thaw() error { return p.signalFamily(syscall.SIGCONT) }

// signalFamily signals the postmaster first, so that it makes no more children meanwhile.
func (p *Postgres) signalFamily(signal syscall.Signal) error {
	parent := p.process.cmd.Process.Pid
	if err := syscall.Kill(parent, signal); err != nil {
		return fmt.Errorf("signal postgres: %w", err)
	}
	children, err := childrenOf(parent)
	if err != nil {
		return err
	}
	for _, child := range children {
		if err := syscall.Kill(child, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("signal a session: %w", err)
		}
	}
	return nil
}

func childrenOf(parent int) ([]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		return nil, fmt.Errorf("list processes: %d found: %w", len(stats), err)
	}
	var children []int
	for _, name := range stats {
		text, err := os.ReadFile(name) //nolint:gosec // of the kernel
		if err != nil {
			continue // it has ended meanwhile
		}
		// pid (name) state parent …; the name may hold anything.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err == nil && len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			children = append(children, pid)
		}
	}
	return children, nil
}
