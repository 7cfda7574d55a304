// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"reporting/tools/bench/load"
	"reporting/tools/bench/stage"
)

// The ids of users that only some parts need come after those of all others and have as many
// digits.
const (
	streamUser = 2_000_000
	fatUser    = 2_100_000
)

// bench is the state that all parts share.
type bench struct {
	options
	db      *stage.Database
	issuer  *stage.Issuer
	machine stage.Machine
	dir     string   // removed at the end
	tokens  []string // one for each ordinary user
	began   time.Time
	resets  bool // the kernel allows a reset of the peak memory
	clean   bool // the table has the ordinary users only
	out     strings.Builder
}

// setUp starts what all parts need.
func setUp(ctx context.Context, o options) (b *bench, err error) {
	b = &bench{options: o, began: time.Now()}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.tearDown())
		}
	}()
	if b.program, err = filepath.Abs(o.program); err != nil {
		return b, err
	}
	if _, err = os.Stat(b.program); err != nil {
		return b, fmt.Errorf("find the program: %w", err)
	}
	if b.machine, err = stage.ThisMachine(); err != nil {
		return b, err
	}
	b.resets = stage.ResetPeak(os.Getpid()) == nil
	if b.dir, err = os.MkdirTemp("", "reporting-bench"); err != nil {
		return b, fmt.Errorf("make a folder: %w", err)
	}
	if b.db, err = stage.StartDatabase(ctx, b.buffers()); err != nil {
		return b, err
	}
	if b.issuer, err = stage.StartIssuer(); err != nil {
		return b, err
	}
	b.progressf("sign %d tokens", o.users)
	b.tokens, err = b.sign(ctx, b.ordinary(1))
	return b, err
}

func (b *bench) tearDown() (err error) {
	if b.issuer != nil {
		b.issuer.Stop()
	}
	if b.db != nil {
		err = b.db.Stop()
	}
	if b.dir != "" {
		err = errors.Join(err, os.RemoveAll(b.dir)) //nolint:gosec // made by setUp
	}
	return err
}

// buffers returns the size of shared_buffers in megabytes: enough for the largest table of the
// selected parts with its indexes, but at most three eighths of the memory.
func (b *bench) buffers() int {
	if b.bufferMB > 0 {
		return b.bufferMB
	}
	const base, rowBytes = 512, 700
	want := base
	if b.wants("growth") {
		want += b.growUsers * jobsEach * rowBytes >> 20
	}
	return max(128, min(want, b.machine.MemoryMB*3/8))
}

// ordinary returns as many users as there are tokens, with a distance of stride.
func (b *bench) ordinary(stride int) []int {
	users := make([]int, b.users)
	for n := range users {
		users[n] = n * stride
	}
	return users
}

func (b *bench) sign(ctx context.Context, users []int) ([]string, error) {
	ids := make([]string, len(users))
	for n, user := range users {
		ids[n] = stage.UserID(user)
	}
	return b.issuer.Tokens(ctx, ids)
}

// table fills the table with the jobs of the ordinary users only.
func (b *bench) table(ctx context.Context) error {
	if b.clean {
		return nil
	}
	if err := b.db.Empty(ctx); err != nil {
		return err
	}
	if err := b.fill(ctx, stage.Users{Count: b.users, Jobs: jobsEach}); err != nil {
		return err
	}
	b.clean = true
	return nil
}

// fill inserts jobs and reports progress.
func (b *bench) fill(ctx context.Context, users stage.Users) error {
	b.clean = false
	begin, told := time.Now(), time.Now()
	err := b.db.Load(ctx, users, func(rows, of int) {
		if time.Since(told) > 5*time.Second {
			told = time.Now()
			b.progressf("%d of %d rows after %v", rows, of, time.Since(begin).Round(time.Second))
		}
	})
	if err == nil {
		b.progressf("%d rows loaded in %v", users.Count*users.Jobs, time.Since(begin).Round(100*time.Millisecond))
	}
	return err
}

// service starts the program under test. The caller stops it.
func (b *bench) service(ctx context.Context) (*stage.Service, error) {
	return stage.StartService(ctx, b.program, b.dir, b.db.Reader(), b.issuer.URL)
}

// withService returns a part that measures a service with the table of the ordinary users.
func withService(measure func(*bench, context.Context, *stage.Service) error) func(*bench, context.Context) error {
	return func(b *bench, ctx context.Context) (err error) {
		if err := b.table(ctx); err != nil {
			return err
		}
		s, err := b.service(ctx)
		if err != nil {
			return err
		}
		defer stop(s, &err)
		return measure(b, ctx, s)
	}
}

// stop stops a service. A failure becomes the error of the part.
func stop(s *stage.Service, err *error) {
	if failed := s.Stop(); *err == nil {
		*err = failed
	}
}

// requests returns one request for each token.
func requests(s *stage.Service, tokens []string, accept, headers string) [][]byte {
	list := make([][]byte, len(tokens))
	for n, token := range tokens {
		list[n] = stage.Call(s.Addr, token, accept, headers)
	}
	return list
}

// warm sends each request once, so that the service caches the tokens.
func (b *bench) warm(ctx context.Context, s *stage.Service, calls [][]byte) error {
	result, err := load.Run(ctx, load.Plan{Addr: s.Addr, Requests: calls, Connections: b.connections, Once: true})
	if err != nil {
		return err
	}
	return flawless(result)
}

// flawless returns an error unless all responses were correct.
func flawless(r load.Result) error {
	if r.Failures > 0 || len(r.Refused) > 0 {
		return fmt.Errorf("%d calls failed and %d were refused, of %d: %w", r.Failures, len(r.Refused), len(r.OK)+len(r.Refused)+r.Failures, r.Failure)
	}
	return nil
}

func (b *bench) progressf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%6.1fs  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}
