// SPDX-License-Identifier: Apache-2.0

// Package doctor runs the checks of an installation one after the other, each within a time
// limit, and prints their findings. It knows none of the checks: internal/postgres,
// internal/auth and internal/app define them, and import it.
package doctor

import (
	"context"
	"fmt"
	"time"
)

// Result rates a finding.
type Result string

// The results.
const (
	OK      Result = "ok"
	Warning Result = "warning" // the service works, with a risk that the operator should know
	Error   Result = "error"   // the service does not work, or is not safe
	Skipped Result = "skipped" // because of another error
)

// Finding is one result of a check. It holds no secrets.
type Finding struct {
	Area    string `json:"area"` // of the check
	Result  Result `json:"result"`
	Message string `json:"message"` // the problem, or what is well
	Remedy  string `json:"remedy,omitempty"`
}

// Pass returns a finding with result OK.
func Pass(format string, args ...any) Finding {
	return Finding{Result: OK, Message: fmt.Sprintf(format, args...)}
}

// Warn returns a finding with result Warning.
func Warn(remedy, format string, args ...any) Finding {
	return Finding{Result: Warning, Message: fmt.Sprintf(format, args...), Remedy: remedy}
}

// Fail returns a finding with result Error.
func Fail(remedy, format string, args ...any) Finding {
	return Finding{Result: Error, Message: fmt.Sprintf(format, args...), Remedy: remedy}
}

// Skip returns a finding with result Skipped.
func Skip(format string, args ...any) Finding {
	return Finding{Result: Skipped, Message: fmt.Sprintf(format, args...)}
}

// Check examines one part of an installation.
type Check struct {
	Area string // what the check is about, in a word or two; several checks may share one
	// Needs is the area of earlier checks without whose success the check is skipped.
	Needs string
	// Run returns the findings in the order to print them.
	Run func(ctx context.Context) []Finding
}

// checkTimeout is how long a check may take.
const checkTimeout = 10 * time.Second

// Run runs the checks in order, and calls report with each finding.
func Run(ctx context.Context, checks []Check, report func(Finding)) *Report {
	return runWithin(ctx, checkTimeout, checks, report)
}

func runWithin(ctx context.Context, timeout time.Duration, checks []Check, report func(Finding)) *Report {
	all := &Report{Findings: []Finding{}}
	failed := map[string]bool{}
	for _, check := range checks {
		findings := []Finding{Skip("not checked because of an error in %q", check.Needs)}
		if check.Needs == "" || !failed[check.Needs] {
			findings = runOne(ctx, timeout, check)
		}
		for _, f := range findings {
			f.Area = check.Area
			failed[f.Area] = failed[f.Area] || f.Result == Error || f.Result == Skipped
			all.add(f)
			report(f)
		}
	}
	return all
}

func runOne(ctx context.Context, timeout time.Duration, check Check) []Finding {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ended := make(chan []Finding, 1)
	go func() { ended <- check.Run(ctx) }()
	select {
	case findings := <-ended:
		return findings
	case <-ctx.Done():
	}
	const grace = 500 * time.Millisecond // for a check that heeds ctx, and knows more
	select {
	case findings := <-ended:
		return findings
	case <-time.After(grace):
		return []Finding{Fail("see what the check waits for", "the check did not end within %v", timeout)}
	}
}

// Clock rates the difference of a remote clock. The remote time was read between before and
// after of the local clock.
func Clock(name string, remote, before, after time.Time) Finding {
	const (
		warnSkew = 5 * time.Second
		failSkew = time.Minute // tokens are accepted with half a minute of skew
		remedy   = "synchronize the clocks of both machines (NTP, chrony): the local clock decides whether a token has expired"
	)
	ahead := remote.Sub(before.Add(after.Sub(before) / 2)).Round(100 * time.Millisecond)
	direction := "ahead of"
	if ahead < 0 {
		direction = "behind"
	}
	switch {
	case ahead.Abs() > failSkew:
		return Fail(remedy, "the clock of %s is %v %s the local one", name, ahead.Abs(), direction)
	case ahead.Abs() > warnSkew:
		return Warn(remedy, "the clock of %s is %v %s the local one", name, ahead.Abs(), direction)
	}
	return Pass("the clock of %s agrees with the local one", name)
}
