// SPDX-License-Identifier: Apache-2.0

package load

import (
	"slices"
	"time"
)

// Result is what came of a load.
type Result struct {
	Elapsed    time.Duration   // from the first call to the last answer
	Statuses   map[int]int     // answers by status
	Failures   int             // calls neither answered right nor refused: broken off, of a wrong length, of another status
	Failure    error           // one of them
	Unsent     int             // calls of the schedule that were never sent
	OK         []time.Duration // time of each right answer, sorted
	Refused    []time.Duration // of each answer with status 429 or 503, sorted
	RetryAfter int             // how many of the refused were told when to come back
	// Lengths are those of the right answers' bodies as they came, by request.
	Lengths []int
}

func collect(clients []*client, elapsed time.Duration, unsent int) Result {
	result := Result{Elapsed: elapsed, Statuses: map[int]int{}, Unsent: unsent}
	if len(clients) > 0 {
		result.Lengths = make([]int, len(clients[0].load.Requests))
	}
	for _, c := range clients {
		for status, n := range c.statuses {
			result.Statuses[status] += n
		}
		result.Failures += c.failures
		if result.Failure == nil {
			result.Failure = c.failure
		}
		result.OK = append(result.OK, c.ok...)
		result.Refused = append(result.Refused, c.refused...)
		result.RetryAfter += c.retryAfter
		for request, length := range c.lengths {
			result.Lengths[request] = length
		}
	}
	slices.Sort(result.OK)
	slices.Sort(result.Refused)
	return result
}

// Throughput is how many right answers came in a second.
func (r Result) Throughput() float64 { return perSecond(len(r.OK), r.Elapsed) }

// RefusedRate is how many refusals came in a second.
func (r Result) RefusedRate() float64 { return perSecond(len(r.Refused), r.Elapsed) }

func perSecond(n int, elapsed time.Duration) float64 {
	if elapsed <= 0 {
		return 0
	}
	return float64(n) / elapsed.Seconds()
}

// Quantile is the time that a share q of the sorted times stays below.
func Quantile(times []time.Duration, q float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	return times[min(int(q*float64(len(times))), len(times)-1)]
}
