// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"errors"
	"fmt"
	"testing"

	"reporting/internal/report"
)

func TestFinalStatesHaveNoSuccessor(t *testing.T) {
	t.Parallel()
	for _, from := range report.Statuses() {
		for _, to := range report.Statuses() {
			if from.Final() && from != to && from.CanTransitionTo(to) {
				t.Errorf("%s may become %s, but it is final", from, to)
			}
		}
		if !from.CanTransitionTo(from) {
			t.Errorf("%s cannot stay what it is", from)
		}
	}
}

func TestTransitions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		from, to report.Status
		want     bool
	}{
		{report.Scheduled, report.Queued, true},
		{report.Queued, report.Running, true},
		{report.Running, report.Done, true},
		{report.Running, report.Queued, true},   // a worker that stops hands its job back
		{report.Scheduled, report.Done, false},  // nothing is done that never ran
		{report.Queued, report.Done, false},     // the same
		{report.Done, report.Running, false},    // final
		{report.Failed, report.Done, false},     // final: a second run must not turn a failure round
		{report.Cancelled, report.Done, false},  // final: a late worker must not revive it
		{"", report.Queued, false},              // an unknown word leads nowhere
		{report.Running, "done", false},         // lower case is another word
		{"", "", false},                         // and stays invalid
		{report.Running, report.Failed, true},   // every running job can fail
		{report.Scheduled, report.Failed, true}, // even one that never ran
	} {
		if got := tt.from.CanTransitionTo(tt.to); got != tt.want {
			t.Errorf("%q can become %q: %v, want %v", tt.from, tt.to, got, tt.want)
		}
	}
}

func TestStatusSpelling(t *testing.T) {
	t.Parallel()
	for _, s := range report.Statuses() {
		if !s.Valid() {
			t.Errorf("%s is not valid", s)
		}
	}
	for _, s := range []report.Status{"", "done", "DONE ", "IN-PROGRESS"} {
		if s.Valid() {
			t.Errorf("%q is valid", s)
		}
	}
}

func TestJobIDText(t *testing.T) {
	t.Parallel()
	id := report.JobID{0xce, 0x35, 0xbc, 0xd5, 0x4b, 0xb2, 0x4c, 0x6e, 0xb2, 0x30, 0x53, 0x47, 0xdf, 0x1f, 0xe9, 0xbc}
	const want = "ce35bcd5-4bb2-4c6e-b230-5347df1fe9bc"
	if got := id.String(); got != want {
		t.Errorf("String() = %s, want %s", got, want)
	}
	text, err := id.AppendText([]byte("x"))
	if err != nil || string(text) != "x"+want {
		t.Errorf("AppendText = %s, %v", text, err)
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	err := fmt.Errorf("read jobs: %w", &report.Error{Kind: report.Timeout, Cause: cause})
	if got := report.KindOf(err); got != report.Timeout {
		t.Errorf("KindOf = %v, want timeout", got)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	// An error without a kind is internal and not retryable.
	if got := report.KindOf(cause); got != report.Internal {
		t.Errorf("KindOf = %v, want internal", got)
	}
}
