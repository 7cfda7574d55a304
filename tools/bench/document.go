// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"reporting/tools/bench/figures"
)

// heading writes what was measured, on which machine, and with which command.
func (b *bench) heading(ctx context.Context) error {
	buffers, err := b.db.BufferMB(ctx)
	if err != nil {
		return err
	}
	b.sayf("# What the service costs\n\nMeasured by `make bench`; nothing here was written by hand.\n")
	b.sayf("- date: %s", time.Now().UTC().Format(time.DateOnly))
	b.sayf("- program: %s", b.version)
	b.sayf("- machine: %d × %s, %s MB, Linux %s", b.machine.Cores, b.machine.CPU, figures.Count(float64(b.machine.MemoryMB)), b.machine.Kernel)
	b.sayf("- Go %s, PostgreSQL %s with %s MB of shared_buffers", strings.TrimPrefix(runtime.Version(), "go"), b.db.Version, figures.Count(float64(buffers)))
	b.sayf("- command: `%s`\n", b.shown())
	b.sayf(`Postgres, the service and what makes the load share the machine, over loopback and a unix socket: the more of it the
load maker takes, the less is left for what it measures. A call is right if it has status 200 and the length that the
answer had when it was checked, entry by entry, before anything was timed. Tokens are signed with RS256 and really
verified; the audit record of each call is written to a file.
`)
	return nil
}

// section starts a section.
func (b *bench) section(title string) { b.sayf("## %s\n", title) }

// say adds a paragraph to the report and prints it.
func (b *bench) sayf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Println(text) //nolint:forbidigo // what the program is for
	b.out.WriteString(text + "\n")
}

// write writes the report to its file at once.
func (b *bench) write() error {
	b.progressf("done")
	if b.report == "" {
		return nil
	}
	return writeFile(b.report, []byte(b.out.String()))
}

func writeFile(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // everybody may read a report
		return fmt.Errorf("write %s: %w", filepath.Base(name), err)
	}
	temporary := name + ".new"
	if err := os.WriteFile(temporary, content, 0o644); err != nil { //nolint:gosec // everybody may read a report
		return fmt.Errorf("write %s: %w", filepath.Base(name), err)
	}
	if err := os.Rename(temporary, name); err != nil { //nolint:gosec // where the caller wants it
		return errors.Join(fmt.Errorf("write %s: %w", filepath.Base(name), err), os.Remove(temporary)) //nolint:gosec // just made
	}
	return nil
}
