// SPDX-License-Identifier: Apache-2.0

package calls

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Summary is what clients saw in some time.
type Summary struct {
	Right    int
	Refused  map[string]int // answers that were no list, by status and code
	Broken   int            // calls without an answer, or with one that broke off
	Wrong    int            // answers that should never be
	Delayed  int            // refusals with 503 or 429, which say when to come back
	Silent   int            // those that do not
	Slowest  time.Duration
	Example  error     // of what was broken
	Mistake  error     // of what was wrong
	LastBad  time.Time // when the last call ended that got no list
	FirstBad time.Time // when the first of those began
}

// Summarize counts the answers that ended from the one time on and before the other.
func Summarize(answers []Answer, from, to time.Time) *Summary {
	s := &Summary{Refused: map[string]int{}}
	for _, a := range answers {
		end := a.Begin.Add(a.Took)
		if end.Before(from) || !end.Before(to) {
			continue
		}
		s.add(a, end)
	}
	return s
}

func (s *Summary) add(a Answer, end time.Time) {
	s.Slowest = max(s.Slowest, a.Took)
	switch {
	case a.Broken != nil:
		s.Broken++
		s.Example = a.Broken
	case a.Wrong != nil:
		s.Wrong++
		s.Mistake = a.Wrong
	case a.Well():
		s.Right++
	default:
		s.Refused[fmt.Sprintf("%d %s", a.Status, a.Code)]++
		if a.Status == http.StatusServiceUnavailable || a.Status == http.StatusTooManyRequests {
			if a.RetryAfter {
				s.Delayed++
			} else {
				s.Silent++
			}
		}
	}
	if !a.Well() {
		if end.After(s.LastBad) {
			s.LastBad = end
		}
		if s.FirstBad.IsZero() || a.Begin.Before(s.FirstBad) {
			s.FirstBad = a.Begin
		}
	}
}

// Refusals is the number of answers that were no list.
func (s *Summary) Refusals() (sum int) {
	for _, n := range s.Refused {
		sum += n
	}
	return sum
}

// String says it in a few words.
func (s *Summary) String() string {
	words := []string{fmt.Sprintf("%d right", s.Right)}
	for _, kind := range slices.Sorted(maps.Keys(s.Refused)) {
		words = append(words, fmt.Sprintf("%d × %s", s.Refused[kind], kind))
	}
	if s.Broken > 0 {
		words = append(words, fmt.Sprintf("%d broken", s.Broken))
	}
	if s.Wrong > 0 {
		words = append(words, fmt.Sprintf("%d WRONG", s.Wrong))
	}
	return strings.Join(words, ", ")
}
