// SPDX-License-Identifier: Apache-2.0

package jobstatus

import (
	"context"
	"errors"

	"reporting/internal/httpapi"
	"reporting/internal/report"
)

const (
	// firstPage is the number of jobs of the first page: more than nearly every user has, and
	// about as many as fit one piece of a response.
	firstPage = 100
	// maxPage limits the pages of small jobs.
	maxPage = 1000
)

// errPageFull ends a page early, when its jobs are large. EachJob returns the error of its
// callback unchanged. The page includes the job whose callback returned the error.
var errPageFull = errors.New("page is full")

// pages reads a list by keyset pagination, so that no database connection waits while a client
// reads. A job's cursor never changes, so each job comes once, as it was when its page was
// read. Jobs that are newer than the first page belong to no page.
type pages struct {
	jobs   report.Jobs
	filter report.Filter // of the next page
	left   int           // jobs at most; 0: no limit
	size   int           // jobs of the next page
	read   int           // jobs of the current page so far
}

func newPages(jobs report.Jobs, wanted report.Filter) *pages {
	return &pages{jobs: jobs, filter: wanted, left: wanted.Count, size: firstPage}
}

// next reads a page, and returns true if there may be another. yield must call advance for
// each job that it accepts.
func (p *pages) next(ctx context.Context, yield func(*report.Job) error) (more bool, err error) {
	p.filter.Count, p.read = p.size, 0
	if p.left > 0 {
		p.filter.Count = min(p.size, p.left)
	}
	err = p.jobs.EachJob(ctx, p.filter, yield)
	full := errors.Is(err, errPageFull)
	if err != nil && !full {
		return false, err
	}
	if p.left > 0 {
		if p.left -= p.read; p.left == 0 {
			return false, nil
		}
	}
	return full || p.read == p.filter.Count, nil
}

// advance moves the cursor behind a job.
func (p *pages) advance(job *report.Job) {
	p.read++
	p.filter.After = job.Cursor()
}

// resize makes the next page as large as fits one piece, going by the bytes of the last one.
func (p *pages) resize(bytes int) {
	p.size = min(max(1, p.read*httpapi.FlushSize/max(1, bytes)), maxPage)
}
