// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"reporting/tools/bench/figures"
)

// result is what came of all parts.
type result struct {
	options
	storm  stormResult
	rates  []float64 // jobs a second, by one process and by three
	scenes []sceneRow
}

type stormResult struct {
	counts    map[string]int // of jobs, by state
	ordered   int
	kills     []kill
	after     []takeUp
	rescued   int
	attempts  []attempts
	took      time.Duration
	leftovers int           // entries of the queue that killed workers were at, of ended jobs
	cleared   time.Duration // until those were put away; 0: nobody waited
	problems  []string
}

type sceneRow struct {
	what, status    string
	used, uncounted int
	another         bool          // it ended at another worker
	taken           bool          // it was begun again, after
	again           time.Duration // so long
	ended           time.Duration // from what befell it
	note            string
	problems        []string
}

func (r *result) add(s *stage, row sceneRow) {
	r.scenes = append(r.scenes, row)
	s.progressf("%s: %s after %.1f s", row.what, row.status, row.ended.Seconds())
	for _, problem := range row.problems {
		s.progressf("   NOT MET: %s", problem)
	}
}

func (r *result) stormTable() string {
	o := &r.storm
	if len(o.counts) == 0 {
		return ""
	}
	attempts, left := tellAttempts(o.attempts), strconv.Itoa(o.leftovers)
	if o.cleared > 0 {
		left += fmt.Sprintf(", put away within %.0f s", o.cleared.Seconds())
	}
	var back, begun []float64
	for _, t := range o.after {
		if t.begun > 0 {
			back, begun = append(back, t.queued.Seconds()), append(begun, t.begun.Seconds())
		}
	}
	table := figures.NewTable("three processes, killed at random", "")
	table.Row("jobs, of "+strconv.Itoa(stormUsers)+" users", figures.Count(float64(o.ordered)))
	table.Row("ended, each once", tellCounts(o.counts))
	table.Row("processes killed (SIGKILL) and started again", strconv.Itoa(len(o.kills)))
	table.Row("jobs that they were at", strconv.Itoa(len(o.after)))
	table.Row("jobs rescued, by the metric", strconv.Itoa(o.rescued))
	table.Row("jobs × attempts that they took", attempts)
	table.Row("from a kill until its job was in the queue again (s)", figures.Spread(back, figures.Decimals(1)))
	table.Row("from a kill until its job was begun again (s)", figures.Spread(begun, figures.Decimals(1)))
	table.Row("all jobs (s)", figures.Decimals(1)(o.took.Seconds()))
	table.Row("left in the queue of jobs that have ended", left)
	return table.String()
}

func (r *result) sceneTable() (table, notes string) {
	t := figures.NewTable("what befell a job that takes some seconds", "it became", "attempts that count", "handed back", "on another worker", "taken up again after", "ended after", "met")
	var b strings.Builder
	for _, row := range r.scenes {
		again, met, another := figures.Nothing, "yes", "no"
		if row.taken {
			again = fmt.Sprintf("%.1f s", row.again.Seconds())
		}
		if row.another {
			another = "yes"
		}
		if len(row.problems) > 0 {
			met = "NO"
		}
		t.Row(row.what, row.status, strconv.Itoa(row.used), strconv.Itoa(row.uncounted), another, again, fmt.Sprintf("%.1f s", row.ended.Seconds()), met)
		if row.note != "" {
			fmt.Fprintf(&b, "* **%s**: %s\n", row.what, row.note)
		}
	}
	return t.String(), b.String()
}

// document is the report, as Markdown.
func (r *result) document() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# What happens to reports when their workers end

Measured by %s; nothing here was written by hand.

- date: %s
- program: %s, Go %s, on %d processors
- seed of the kills: %d

Everything is a real process on one machine: "reporting serve" that takes orders and makes nothing, "reporting worker" with two
reports at a time in each process, and PostgreSQL. Met means: the status operation tells of every job, each job ended
once (a trigger noted every change that was committed), every DONE job has one result that can be read by its user, with
the header that was asked for, and no other job has any; nothing waits in the queue for a job that has ended.
`, "`make workers`", time.Now().UTC().Format(time.DateOnly), r.version, strings.TrimPrefix(runtime.Version(), "go"), runtime.NumCPU(), r.seed)
	if text := r.stormTable(); text != "" {
		fmt.Fprintf(&b, `
## Killed at random

A worker gives a sign of life every 3 s, and one that gave none for 15 s is taken for dead by the others, who look every 2 s
or so. An attempt that a kill ended counts. Jobs that the metric has beyond those that killed workers were at had been taken out of
the queue and not begun.

%s
Entries of the queue that killed workers were at stay "running" until the longest attempt (%s) and two minutes
are over. They are triggers only: nothing comes of them but a line in a table.
`, text, "`REPORTING_ATTEMPT_TIMEOUT`")
	}
	if len(r.scenes) > 0 {
		table, notes := r.sceneTable()
		fmt.Fprintf(&b, "\n## One job at a time\n\nTwo processes; times count from what befell the job.\n\n%s\n%s", table, notes)
	}
	if len(r.rates) == 2 {
		fmt.Fprintf(&b, `
## How much they make

%d small reports wait, and then one process makes them: %.0f a second. Three processes: %.0f a second, %.1f times as many. Two
processors are shared by all of it, PostgreSQL included, so read the ratio. A process asks the queue at most ten times a
second for as many jobs as it has workers free, which is what bounds reports as small as these; those that take longer are bound by what
making them takes.
`, throughputJobs, r.rates[0], r.rates[1], r.rates[1]/r.rates[0])
	}
	for _, problem := range r.problems() {
		fmt.Fprintf(&b, "\n* not met: %s\n", strings.Join(strings.Fields(problem), " "))
	}
	return b.String()
}

func (r *result) problems() []string {
	list := slices.Clone(r.storm.problems)
	for _, row := range r.scenes {
		for _, problem := range row.problems {
			list = append(list, row.what+": "+problem)
		}
	}
	return list
}

// conclude prints the report, writes it where it is wanted, in one go, and is an error where
// something was not met.
func (r *result) conclude(s *stage) error {
	s.progressf("done")
	text := r.document()
	fmt.Println(text) //nolint:forbidigo // what the program is for
	if r.report != "" {
		temporary := r.report + ".new"
		if err := os.WriteFile(temporary, []byte(text), 0o644); err != nil { //nolint:gosec // everybody may read a report
			return fmt.Errorf("write %s: %w", filepath.Base(r.report), err)
		}
		if err := os.Rename(temporary, r.report); err != nil {
			return fmt.Errorf("write %s: %w", filepath.Base(r.report), err)
		}
	}
	if list := r.problems(); len(list) > 0 {
		return errors.New(strings.Join(list, "; "))
	}
	if len(r.scenes)+len(r.rates)+len(r.storm.counts) == 0 {
		return errors.New("nothing was tried")
	}
	return nil
}
