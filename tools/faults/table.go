// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"reporting/tools/bench/figures"
)

// document is the report, as Markdown.
func (s *suite) document() string {
	table := figures.NewTable("fault", "what clients saw", "slowest answer", "Retry-After", "recovered after", "met")
	var notes strings.Builder
	for _, r := range s.rows {
		told, met := figures.Nothing, "yes"
		if r.delayed {
			told = yesNo(r.told)
		}
		if len(r.problems) > 0 {
			met = "NO"
		}
		slowest, recovery := figures.Nothing, figures.Nothing
		if r.slowest > 0 {
			slowest, recovery = seconds(r.slowest), seconds(r.recovery)
		}
		table.Row(r.fault, r.seen, slowest, told, recovery, met)
		if r.note != "" {
			fmt.Fprintf(&notes, "* **%s**: %s\n", r.fault, r.note)
		}
		for _, problem := range r.problems {
			fmt.Fprintf(&notes, "* **%s** was not met: %s\n", r.fault, flat(problem))
		}
	}
	return fmt.Sprintf(`# What happens when something breaks

Measured by %s; nothing here was written by hand.

- date: %s
- program: %s, Go %s, on %d processors

%d clients call all the time, together about %d calls a second for lists of %d jobs, while something breaks, stays broken for
some seconds and is mended. Everything is a real process on one machine. The columns count from the moment at which it broke until a
second without anything but right answers. Right is a list with all of the caller's jobs, each once and in order, and nobody
else's. "Recovered after" is the time from the mending to the end of the last call that got no list; 0 where there was
none. The statement limit is %v in all of it, in place of 5 s. "Scaled out" is three instances behind HAProxy, with PgBouncer in
transaction mode before a primary and a standby from which is read.

%s
%s`, "`make faults`", time.Now().UTC().Format(time.DateOnly), s.version, strings.TrimPrefix(runtime.Version(), "go"), runtime.NumCPU(),
		clients, int(clients*time.Second/unhurried), jobsEach, statementLimit, table, notes.String())
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// flat keeps a text in its line.
func flat(text string) string { return strings.Join(strings.Fields(text), " ") }

// write prints the report and writes it where it is wanted, in one go.
func (s *suite) write() error {
	s.progressf("done")
	text := s.document()
	fmt.Println(text) //nolint:forbidigo // what the program is for
	if s.report == "" {
		return nil
	}
	temporary := s.report + ".new"
	if err := os.WriteFile(temporary, []byte(text), 0o644); err != nil { //nolint:gosec // everybody may read a report
		return fmt.Errorf("write %s: %w", filepath.Base(s.report), err)
	}
	if err := os.Rename(temporary, s.report); err != nil { //nolint:gosec // where the caller wants it
		return fmt.Errorf("write %s: %w", filepath.Base(s.report), err)
	}
	return nil
}

// verdict is an error where a fault was not met.
func (s *suite) verdict() error {
	var failed []string
	for _, r := range s.rows {
		if len(r.problems) > 0 {
			failed = append(failed, r.fault)
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("%d of %d were not met: %s", len(failed), len(s.rows), strings.Join(failed, ", "))
	}
	if len(s.rows) == 0 {
		return errors.New("no fault was tried")
	}
	return nil
}
