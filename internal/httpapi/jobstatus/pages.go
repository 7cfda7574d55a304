// SPDX-License-Identifier: Apache-2.0

package jobstatus

import (
	"context"
	"errors"

	"reporting/internal/httpapi"
	"reporting/internal/report"
)

const (
	// firstPage is how many jobs are read at first: more than nearly every user has,
	// and about as many as fit one piece of an answer.
	firstPage = 100
	// largestPage bounds what is read ahead of small jobs.
	largestPage = 1000
)

// errFull ends a page before its time. The job that it is returned for counts.
var errFull = errors.New("enough for one page")

// pages reads a list piece by piece, so that no database connection waits while a
// client reads. A job stays where it is in the list, so that each comes once, as it was
// when its page was read; jobs that are new belong to no later page.
type pages struct {
	jobs report.Jobs
	rest report.Filter // what is still to be read
	left int           // how many jobs at most; 0: any number
	size int           // jobs of the next page
	read int           // jobs of the last one
}

func newPages(jobs report.Jobs, wanted report.Filter) *pages {
	return &pages{jobs: jobs, rest: wanted, left: wanted.Count, size: firstPage}
}

// next reads a page, and tells whether there may be more.
func (p *pages) next(ctx context.Context, yield func(*report.Job) error) (more bool, err error) {
	p.rest.Count, p.read = p.size, 0
	if p.left > 0 {
		p.rest.Count = min(p.size, p.left)
	}
	asked := p.rest // the place moves on while the page is read
	err = p.jobs.EachJob(ctx, asked, func(job *report.Job) error {
		err := yield(job)
		if err == nil || errors.Is(err, errFull) {
			p.read++
			p.rest.After = job.Cursor()
		}
		return err
	})
	full := errors.Is(err, errFull)
	if err != nil && !full {
		return false, err
	}
	if p.left > 0 {
		if p.left -= p.read; p.left == 0 {
			return false, nil
		}
	}
	return full || p.read == asked.Count, nil
}

// filled makes the next page as large as fits one piece, going by the last one, which
// has filled so many bytes.
func (p *pages) filled(bytes int) {
	p.size = min(max(1, p.read*httpapi.FlushSize/max(1, bytes)), largestPage)
}
