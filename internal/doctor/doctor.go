// SPDX-License-Identifier: Apache-2.0

// Package doctor runs checks of an installation one after the other, each within a time
// limit, and prints what they found. What to check is known elsewhere: internal/postgres,
// internal/auth and internal/app make the checks of what is theirs, and import it.
package doctor

import (
	"context"
	"fmt"
	"time"
)

// Result says how well something is.
type Result string

// The results.
const (
	OK      Result = "ok"
	Warning Result = "warning" // it works, and yet somebody should know
	Wrong   Result = "wrong"   // the service does not work, or not safely
	NotRun  Result = "not run" // because of something else that is wrong
)

// Finding is one thing that was found out. It holds no secrets.
type Finding struct {
	Area   string `json:"area"`           // of which check
	Result Result `json:"result"`         // one of the four
	Text   string `json:"text"`           // what is so
	Mend   string `json:"mend,omitempty"` // what to do about it
}

// Good is a finding that is well.
func Good(format string, args ...any) Finding {
	return Finding{Result: OK, Text: fmt.Sprintf(format, args...)}
}

// Doubt is a finding that somebody should know, and what to do about it.
func Doubt(mend, format string, args ...any) Finding {
	return Finding{Result: Warning, Text: fmt.Sprintf(format, args...), Mend: mend}
}

// Bad is a finding that is wrong, and what to do about it.
func Bad(mend, format string, args ...any) Finding {
	return Finding{Result: Wrong, Text: fmt.Sprintf(format, args...), Mend: mend}
}

// Check finds something out.
type Check struct {
	Area string // what the check is about, in a word or two; several may share one
	// Needs is the area in which nothing may be wrong before, if any. It names only
	// areas of earlier checks, and may be the check's own.
	Needs string
	// Run returns what was found, in the order to print it. It should heed ctx.
	Run func(ctx context.Context) []Finding
}

// limit is how long a check may take.
const limit = 10 * time.Second

// Run runs checks in their order, and tells each finding as it comes.
func Run(ctx context.Context, checks []Check, tell func(Finding)) *Report {
	return runWithin(ctx, limit, checks, tell)
}

func runWithin(ctx context.Context, limit time.Duration, checks []Check, tell func(Finding)) *Report {
	report := &Report{Findings: []Finding{}}
	ill := map[string]bool{}
	for _, check := range checks {
		found := []Finding{{Result: NotRun, Text: fmt.Sprintf("because of what is wrong above (%s)", check.Needs)}}
		if check.Needs == "" || !ill[check.Needs] {
			found = runOne(ctx, limit, check)
		}
		for _, f := range found {
			f.Area = check.Area
			ill[f.Area] = ill[f.Area] || f.Result == Wrong || f.Result == NotRun
			report.add(f)
			tell(f)
		}
	}
	return report
}

func runOne(ctx context.Context, limit time.Duration, check Check) []Finding {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ended := make(chan []Finding, 1)
	go func() { ended <- check.Run(ctx) }()
	select {
	case found := <-ended:
		return found
	case <-ctx.Done():
	}
	// It may have been told as well, and know more.
	const moment = 500 * time.Millisecond
	select {
	case found := <-ended:
		return found
	case <-time.After(moment):
		return []Finding{Bad("find out what hangs", "the check did not end within %v", limit)}
	}
}
