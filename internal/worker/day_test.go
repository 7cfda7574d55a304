// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reporting/internal/report"
)

// step is a moment of the day: what happens, and what the user is told of their jobs
// after that, newest first, with times from the night on.
type step struct {
	at   time.Duration // from the night on
	what string
	do   func(d *day)
	want string
}

const reason = "The server was away"

// script is the day before a night with its change of clocks, and what comes after. next
// is when the night after that is.
//
// A is executed and done, B fails, C is cancelled while it waits and D while it runs; the
// worker of E dies; F runs meanwhile. S and T are scheduled for the night, where T succeeds
// at the second attempt, and U, which is scheduled after it, for the one after that.
func script(next time.Duration) []step {
	const m = time.Minute
	var before, dawn []string // what is over
	steps := []step{
		{-15 * 60 * m, "A is executed", execute("A"), "A RUNNING -15h0m0s"},
		{-14*60*m - 59*m, "B is executed, and waits for A", execute("B"), "B QUEUED\nA RUNNING -15h0m0s"},
		{-14*60*m - 58*m, "C is executed, and waits too", execute("C"), "C QUEUED\nB QUEUED\nA RUNNING -15h0m0s"},
		{-14*60*m - 57*m, "S is scheduled", schedule("S"), "S SCHEDULED\nC QUEUED\nB QUEUED\nA RUNNING -15h0m0s"},
		{-14*60*m - 56*m, "T is scheduled", schedule("T"), "T SCHEDULED\nS SCHEDULED\nC QUEUED\nB QUEUED\nA RUNNING -15h0m0s"},
		{-14*60*m - 55*m, "A is done, and B begins", end("A", nil), "T SCHEDULED\nS SCHEDULED\nC QUEUED\nB RUNNING -14h55m0s\nA DONE -15h0m0s -14h55m0s"},
		{
			-14*60*m - 54*m, "the user cancels C", cancel("C"),
			"T SCHEDULED\nS SCHEDULED\nC CANCELLED -14h54m0s\nB RUNNING -14h55m0s\nA DONE -15h0m0s -14h55m0s",
		},
		{
			-14*60*m - 53*m, "B fails for good", end("B", &report.Failure{Reason: reason, Permanent: true}),
			"T SCHEDULED\nS SCHEDULED\nC CANCELLED -14h54m0s\nB FAILED -14h55m0s -14h53m0s Report generation has failed: " + reason + ".\nA DONE -15h0m0s -14h55m0s",
		},
	}
	before = strings.Split(steps[len(steps)-1].want, "\n")
	waiting, over := before[:2], before[2:]
	add := func(at time.Duration, what string, do func(*day), first ...string) {
		lines := append(append([]string(nil), first...), waiting...)
		steps = append(steps, step{at, what, do, strings.Join(append(lines, over...), "\n")})
	}
	add(-14*60*m, "D is executed", execute("D"), "D RUNNING -14h0m0s")
	add(-14*60*m+m, "the user cancels D", cancel("D"), "D CANCELLED -14h0m0s -13h59m0s")
	add(-13*60*m, "F is executed", execute("F"), "F RUNNING -13h0m0s", "D CANCELLED -14h0m0s -13h59m0s")
	dawn = []string{"F RUNNING -13h0m0s", "D CANCELLED -14h0m0s -13h59m0s"}
	e := func(state string) []string { return append([]string{"E " + state}, dawn...) }
	add(-13*60*m+m, "E is executed", execute("E"), e("QUEUED")...)
	add(-13*60*m+2*m, "a worker elsewhere begins E, and dies", beginElsewhere("E"), e("RUNNING -12h58m0s")...)
	add(-13*60*m+2*m+15*time.Second, "E's worker is silent for 15 s", nothing, e("RUNNING -12h58m0s")...)
	add(-13*60*m+2*m+16*time.Second, "E is taken from it", nothing, e("QUEUED")...)
	dawn[0] = "F DONE -13h0m0s -12h57m0s"
	add(-13*60*m+3*m, "F is done, and E begins again", end("F", nil), e("RUNNING -12h57m0s")...)
	add(-13*60*m+4*m, "E is done", end("E", nil), e("DONE -12h57m0s -12h56m0s")...)
	over = append(e("DONE -12h57m0s -12h56m0s"), "T", "S")
	over = append(over, before[2:]...)
	night := func(at time.Duration, what string, do func(*day), t, s string, first ...string) {
		lines := append(append([]string(nil), first...), over...)
		for i, line := range lines {
			switch line {
			case "T":
				lines[i] = "T " + t
			case "S":
				lines[i] = "S " + s
			}
		}
		steps = append(steps, step{at, what, do, strings.Join(lines, "\n")})
	}
	const doneS, doneT = "DONE 0s 10s", "DONE 25s 35m0s"
	night(-time.Second, "a second before the night", nothing, "SCHEDULED", "SCHEDULED")
	night(0, "the night begins", nothing, "QUEUED", "RUNNING 0s")
	night(10*time.Second, "S is done, and T begins", end("S", nil), "RUNNING 10s", doneS)
	night(20*time.Second, "T fails, and may succeed later", end("T", errors.New("away")), "QUEUED", doneS)
	night(25*time.Second, "T begins again", nothing, "RUNNING 25s", doneS)
	night(30*m, "U is scheduled, after the night's hour", schedule("U"), "RUNNING 25s", doneS, "U SCHEDULED")
	night(35*m, "T is done", end("T", nil), doneT, doneS, "U SCHEDULED")
	night(60*m, "an hour later: clocks may show the same again", nothing, doneT, doneS, "U SCHEDULED")
	night(next-time.Second, "a second before the next night", nothing, doneT, doneS, "U SCHEDULED")
	night(next, "the next night begins", nothing, doneT, doneS, "U RUNNING "+next.String())
	night(next+m, "U is done", end("U", nil), doneT, doneS, "U DONE "+next.String()+" "+(next+m).String())
	return append(steps, step{
		next + 60*m, "what ended before the first night goes", clearAll,
		"U DONE " + next.String() + " " + (next + m).String() + "\nT " + doneT + "\nS " + doneS,
	})
}

func nothing(*day) {}

func execute(name string) func(*day) { return func(d *day) { d.t.Helper(); d.order(name, false) } }

func schedule(name string) func(*day) { return func(d *day) { d.t.Helper(); d.order(name, true) } }

func end(name string, err error) func(*day) { return func(d *day) { d.t.Helper(); d.end(name, err) } }

func cancel(name string) func(*day) {
	return func(d *day) {
		d.t.Helper()
		if err := d.binaries.Delete(d.t.Context(), dayUser, d.submitted[name].Binary.ID); err != nil {
			d.t.Fatal(err)
		}
		d.wait(name+" is left alone", func() bool {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.blocked[name] == nil
		})
	}
}

// beginElsewhere begins a job as a worker does that is never heard of again.
func beginElsewhere(name string) func(*day) {
	return func(d *day) {
		d.t.Helper()
		id := d.submitted[name].JobID
		var entry int64
		d.scan(`select river_job_id from report_attempt where job_id = $1`, []any{[16]byte(id)}, &entry)
		if _, err := d.runs.Begin(d.t.Context(), id, entry); err != nil {
			d.t.Fatal(err)
		}
	}
}

// clearAll clears what ended before the first of the nights.
func clearAll(d *day) {
	d.t.Helper()
	for {
		cleared, err := d.runs.Purge(d.t.Context(), d.first)
		if err != nil {
			d.t.Fatal(err)
		}
		if cleared == (report.PurgeResult{}) {
			return
		}
	}
}

// The states that each job went through, whatever the lists between them showed.
var histories = map[string]string{
	"A": "QUEUED RUNNING DONE", "B": "QUEUED RUNNING FAILED", "C": "QUEUED CANCELLED", "D": "QUEUED RUNNING CANCELLED",
	"E": "QUEUED RUNNING QUEUED RUNNING DONE", "F": "QUEUED RUNNING DONE", "S": "SCHEDULED RUNNING DONE",
	"T": "SCHEDULED QUEUED RUNNING QUEUED RUNNING DONE", "U": "SCHEDULED RUNNING DONE",
}

// TestScriptedDays is what a user sees of their jobs, on days that end in a night in which
// the clocks of Copenhagen are turned. Everything but the clock is real.
func TestScriptedDays(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: River's scheduler runs every five seconds of real time")
	}
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, night, next string }{
		{"spring 2026", "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"}, // there is no 02:00; it is 03:00
		{"autumn 2026", "2026-10-25T00:00:00Z", "2026-10-26T01:00:00Z"}, // the first of two
		{"spring 2027", "2027-03-28T01:00:00Z", "2027-03-29T00:00:00Z"},
		{"autumn 2027", "2027-10-31T00:00:00Z", "2027-11-01T01:00:00Z"},
		{"a usual night", "2026-06-10T00:00:00Z", "2026-06-11T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			first, err := time.Parse(time.RFC3339, c.night)
			if err != nil {
				t.Fatal(err)
			}
			next, err := time.Parse(time.RFC3339, c.next)
			if err != nil {
				t.Fatal(err)
			}
			d := newDay(t, zone, first.Add(-24*time.Hour))
			d.first = first
			var table strings.Builder
			defer func() { t.Log("\n" + table.String()) }()
			for _, s := range script(next.Sub(first)) {
				d.setTime(first.Add(s.at))
				s.do(d)
				d.settle(s.what, s.want)
				fmt.Fprintf(&table, "%-28s %-46s %s\n", d.time().In(zone).Format("Mon 2006-01-02 15:04:05 MST"), s.what, short(s.want))
			}
			if diff := cmp.Diff(histories, d.histories()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// settle looks after jobs as every process does, and waits until the user is told what
// they should be. Looking after them once more changes nothing then.
func (d *day) settle(what, want string) {
	d.t.Helper()
	for range 2 {
		if _, err := d.runs.Sweep(d.t.Context(), 3); err != nil {
			d.t.Fatal(err)
		}
		got := ""
		for end := time.Now().Add(dayPatience); got != want; time.Sleep(20 * time.Millisecond) {
			if got = d.list(dayUser, d.first); time.Now().After(end) {
				d.t.Fatalf("%s: the user is told (-want +got)\n%s", what, cmp.Diff(want, got))
			}
		}
		if others := d.list("other", d.first); others != "" {
			d.t.Fatalf("%s: another user sees %s", what, others)
		}
	}
}

// short is a list in one line, without times.
func short(list string) string {
	var words []string
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		words = append(words, fields[0]+" "+fields[1])
	}
	return strings.Join(words, ", ")
}
