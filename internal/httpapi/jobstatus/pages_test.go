// SPDX-License-Identifier: Apache-2.0

package jobstatus

import (
	"context"
	"errors"
	"testing"
	"time"

	"reporting/internal/httpapi"
	"reporting/internal/report"
)

// fakeStore holds so many jobs, newest first, and records the Count of each query.
type fakeStore struct {
	jobs  int
	asked []int
}

func (s *fakeStore) EachJob(_ context.Context, filter report.Filter, yield func(*report.Job) error) error {
	s.asked = append(s.asked, filter.Count)
	first := 0
	if !filter.After.IsZero() {
		first = int(filter.After.ID[0])<<8 + int(filter.After.ID[1]) + 1
	}
	for n := first; n < min(s.jobs, first+filter.Count); n++ {
		job := report.Job{ID: report.JobID{byte(n >> 8), byte(n)}, Created: time.Unix(int64(-n), 0)}
		if err := yield(&job); err != nil {
			return err
		}
	}
	return nil
}

func TestPagesReadEachJobOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		jobs, count int
		bytes       int // of each job in the answer
		want        int
		pages       int
	}{
		"none":                          {0, 0, 700, 0, 1},
		"fewer than a page":             {99, 0, 700, 99, 1},
		"just a page":                   {100, 0, 700, 100, 2},
		"more than a page":              {101, 0, 700, 101, 2},
		"many":                          {1000, 0, 700, 1000, 11},
		"many small ones":               {1000, 0, 40, 1000, 2}, // later pages hold more jobs
		"large ones":                    {50, 0, 32 << 10, 50, 25},
		"each larger than a page":       {5, 0, 1 << 20, 5, 6},
		"the newest of many":            {1000, 7, 700, 7, 1},
		"the newest page of many":       {1000, 100, 700, 100, 1},
		"more than a page of many":      {1000, 150, 700, 150, 2},
		"more than there are":           {20, 1000, 700, 20, 1},
		"the newest of many large ones": {50, 3, 1 << 20, 3, 3},
	} {
		store := &fakeStore{jobs: c.jobs}
		list := newPages(store, report.Filter{UserID: "u", Count: c.count})
		var seen []report.JobID
		pages := 0
		for more := true; more; pages++ {
			filled := 0
			var err error
			more, err = list.next(t.Context(), func(job *report.Job) error {
				seen = append(seen, job.ID)
				list.advance(job)
				if filled += c.bytes; filled >= 2*httpapi.FlushSize {
					return errPageFull
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			list.resize(filled)
		}
		if len(seen) != c.want || pages != c.pages {
			t.Errorf("%s: %d jobs in %d pages, want %d in %d (asked for %v)", name, len(seen), pages, c.want, c.pages, store.asked)
		}
		for n, id := range seen {
			if want := (report.JobID{byte(n >> 8), byte(n)}); id != want {
				t.Fatalf("%s: job %d is %s, want %s", name, n, id, want)
			}
		}
	}
}

func TestPagesReturnTheErrorOfYield(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	list := newPages(&fakeStore{jobs: 3}, report.Filter{})
	if more, err := list.next(t.Context(), func(*report.Job) error { return broken }); more || !errors.Is(err, broken) {
		t.Errorf("%v, %v", more, err)
	}
}
