// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"reporting/tools/faults/calls"
)

// expectation is how a fault has to be met. Whatever it is, no answer may be wrong, each
// refusal has to say when to come back, and all has to be well in the end.
type expectation struct {
	kinds   []string      // refusals that are right, by status and code, such as "503 transient"
	hurts   bool          // clients have to notice, or nothing was broken at all
	breaks  bool          // answers may break off
	within  time.Duration // longest call; 0: unhurtWithin
	recover time.Duration // from its mending until all is well; 0: recoverWithin
}

const (
	// slack is for a machine that does other things as well.
	slack = time.Second
	// A caller hears within two seconds that the database is away (W-100).
	awayWithin = 2*time.Second + slack
	// One that is silent may first cost the wait for a connection, and then the limit.
	silentWithin  = statementLimit + 1500*time.Millisecond + slack
	unhurtWithin  = awayWithin
	recoverWithin = 10 * time.Second
)

func (e expectation) limit() time.Duration {
	if e.recover == 0 {
		return recoverWithin
	}
	return e.recover
}

// row is a line of the table.
type row struct {
	fault    string
	seen     string // what clients saw from the strike until all was well
	slowest  time.Duration
	delayed  bool // there were refusals that have to say when to come back
	told     bool // all of them did
	recovery time.Duration
	note     string
	problems []string
}

// judge compares what clients saw with what they should have. Answers that ended since
// the strike count.
func judge(answers []calls.Answer, struck, mended time.Time, well error, e expectation) row {
	s := calls.Summarize(answers, struck, time.Now())
	r := row{seen: s.String(), slowest: s.Slowest, delayed: s.Delayed+s.Silent > 0, told: s.Silent == 0}
	if s.LastBad.After(mended) {
		r.recovery = s.LastBad.Sub(mended)
	}
	problem := func(format string, args ...any) { r.problems = append(r.problems, fmt.Sprintf(format, args...)) }
	if s.Wrong > 0 {
		problem("%d wrong answers, such as: %v", s.Wrong, s.Mistake)
	}
	if s.Broken > 0 && !e.breaks {
		problem("%d calls without a whole answer, such as: %v", s.Broken, s.Example)
	}
	if s.Silent > 0 {
		problem("%d refusals without Retry-After", s.Silent)
	}
	for kind, n := range s.Refused {
		if !slices.Contains(e.kinds, kind) {
			problem("%d answers with %q, expected were %q", n, kind, strings.Join(e.kinds, ", "))
		}
	}
	if e.hurts && s.Refusals()+s.Broken+s.Wrong == 0 {
		problem("nobody noticed it: was anything broken?")
	}
	if limit := max(e.within, unhurtWithin); s.Slowest > limit {
		problem("a call took %v, more than %v", s.Slowest.Round(time.Millisecond), limit)
	}
	if well != nil {
		problem("%v", well)
	}
	return r
}
