// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"reporting/tools/faults/calls"
)

// Each thing that must not be is told, and nothing else.
func TestJudge(t *testing.T) {
	t.Parallel()
	struck := time.Now().Add(-10 * time.Second)
	mended := struck.Add(5 * time.Second)
	right := calls.Answer{Status: 200}
	refusal := calls.Answer{Status: 503, Code: "transient", RetryAfter: true}
	for name, tt := range map[string]struct {
		answer calls.Answer // beside a right one
		expect expectation
		well   error
		want   string // part of the one problem; empty: none
	}{
		"a right answer":              {answer: right},
		"a refusal that is right":     {answer: refusal, expect: expectation{kinds: away, hurts: true}},
		"another refusal":             {answer: calls.Answer{Status: 500, Code: "exception"}, expect: expectation{kinds: away}, want: `"500 exception"`},
		"a refusal of another kind":   {answer: calls.Answer{Status: 503, Code: "timeout", RetryAfter: true}, expect: expectation{kinds: away}, want: `"503 timeout"`},
		"no Retry-After":              {answer: calls.Answer{Status: 503, Code: "transient"}, expect: expectation{kinds: away}, want: "without Retry-After"},
		"a short list":                {answer: calls.Answer{Status: 200, Wrong: errors.New("short")}, expect: expectation{breaks: true}, want: "short"},
		"a list that breaks off":      {answer: calls.Answer{Status: 200, Broken: io.ErrUnexpectedEOF}, want: "unexpected EOF"},
		"one that may":                {answer: calls.Answer{Status: 200, Broken: io.ErrUnexpectedEOF}, expect: expectation{breaks: true, hurts: true}},
		"nobody noticed":              {answer: right, expect: expectation{hurts: true}, want: "nobody noticed"},
		"a slow one":                  {answer: calls.Answer{Status: 200, Took: 6 * time.Second}, want: "a call took 6s"},
		"a slow one, which it may be": {answer: calls.Answer{Status: 200, Took: 6 * time.Second}, expect: expectation{within: 7 * time.Second}},
		"never well again":            {answer: right, well: errors.New("not well"), want: "not well"},
	} {
		right.Begin, tt.answer.Begin = struck.Add(time.Second), struck.Add(time.Second)
		r := judge([]calls.Answer{right, tt.answer}, struck, mended, tt.well, tt.expect)
		got := strings.Join(r.problems, "; ")
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) || len(r.problems) > 1 {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestRecovery(t *testing.T) {
	t.Parallel()
	struck := time.Now().Add(-10 * time.Second)
	mended := struck.Add(5 * time.Second)
	at := func(after time.Duration, status int) calls.Answer {
		return calls.Answer{Begin: mended.Add(after), Took: 100 * time.Millisecond, Status: status, RetryAfter: true, Code: "transient"}
	}
	for _, tt := range []struct {
		answers []calls.Answer
		want    time.Duration
	}{
		{[]calls.Answer{at(-time.Second, 503), at(time.Second, 200)}, 0},
		{[]calls.Answer{at(time.Second, 503), at(-time.Second, 200)}, 1100 * time.Millisecond},
	} {
		if got := judge(tt.answers, struck, mended, nil, expectation{kinds: away}); got.recovery != tt.want {
			t.Errorf("recovered after %v, want %v", got.recovery, tt.want)
		}
	}
}

// A fault that was not met ends the program with an error, and stands in the report.
func TestVerdict(t *testing.T) {
	t.Parallel()
	s := &suite{}
	if s.verdict() == nil {
		t.Error("content without a fault")
	}
	s.rows = []row{{fault: "good"}}
	if err := s.verdict(); err != nil {
		t.Error(err)
	}
	s.rows = append(s.rows, row{fault: "bad", problems: []string{"it hurts"}})
	if err := s.verdict(); err == nil || !strings.Contains(err.Error(), "bad") {
		t.Errorf("the verdict is %v", err)
	}
	if text := s.document(); !strings.Contains(text, "it hurts") || !strings.Contains(text, "NO |") {
		t.Errorf("the report does not tell: %s", text)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"-program", "x", "y"}, {"-program", "x", "-only", "nonsense"}} {
		if _, err := readOptions(args); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
	all, err := readOptions([]string{"-program", "x"})
	if err != nil {
		t.Fatal(err)
	}
	some, err := readOptions([]string{"-program", "x", "-only", "keys,pooler-new"})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults() {
		if all.wants(f) == f.extra {
			t.Errorf("%s is tried by itself: %v", f.name, all.wants(f))
		}
		if want := strings.HasPrefix(f.name, "keys") || f.name == "pooler-new"; some.wants(f) != want {
			t.Errorf("%s of some: %v", f.name, some.wants(f))
		}
	}
}
