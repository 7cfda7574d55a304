// SPDX-License-Identifier: Apache-2.0

package load

import (
	"slices"
	"time"
)

// Result is the result of a load.
type Result struct {
	Elapsed    time.Duration   // from the first request to the last response
	Statuses   map[int]int     // responses by status
	Failures   int             // aborted responses, and those of a wrong length or status
	Failure    error           // one example
	Unsent     int             // scheduled requests that were never sent
	OK         []time.Duration // duration of each correct response, sorted
	Refused    []time.Duration // duration of each response with status 429 or 503, sorted
	RetryAfter int             // rejections with Retry-After
	// Lengths are the body lengths of the correct responses, by request.
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

// Throughput returns the correct responses per second.
func (r Result) Throughput() float64 { return perSecond(len(r.OK), r.Elapsed) }

// RefusedRate returns the rejections per second.
func (r Result) RefusedRate() float64 { return perSecond(len(r.Refused), r.Elapsed) }

func perSecond(n int, elapsed time.Duration) float64 {
	if elapsed <= 0 {
		return 0
	}
	return float64(n) / elapsed.Seconds()
}

// Quantile returns the quantile q of sorted times.
func Quantile(times []time.Duration, q float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	return times[min(int(q*float64(len(times))), len(times)-1)]
}
