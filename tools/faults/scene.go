// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"reporting/tools/faults/calls"
	"reporting/tools/faults/servers"
)

// scene is one fault being met: what was started for it, and what is told about it.
type scene struct {
	*suite
	ctx  context.Context //nolint:containedctx // it lives for one function
	name string
	// The services end first, all at once: they use the rest.
	services []*servers.Service
	undo     []func() error // last in, first out
	rowsOut  []row
}

// meet tries a fault. Whatever it started has ended afterwards. An error means that the
// suite was told to end.
func (s *suite) meet(ctx context.Context, f fault) (err error) {
	s.progressf("== %s", f.name)
	sc := &scene{suite: s, ctx: ctx, name: f.name}
	err = f.meet(sc)
	err = errors.Join(err, sc.clear())
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		sc.tell(play{}, row{seen: "nothing", problems: []string{"it could not be tried, or not to its end: " + err.Error()}})
	}
	s.rows = append(s.rows, sc.rowsOut...)
	return nil
}

// clear ends what was started.
func (sc *scene) clear() (err error) {
	failures := make([]error, len(sc.services))
	var stopping sync.WaitGroup
	for n, service := range sc.services {
		stopping.Go(func() { failures[n] = service.Stop() })
	}
	stopping.Wait()
	for _, undo := range slices.Backward(sc.undo) {
		err = errors.Join(err, undo())
	}
	return errors.Join(errors.Join(failures...), err)
}

func (sc *scene) later(undo func() error) { sc.undo = append(sc.undo, undo) }

// service starts the program for this scene, with a database and further settings.
func (sc *scene) service(url string, settings ...string) (*servers.Service, error) {
	service, err := servers.NewService(sc.program, append([]string{
		"REPORTING_DATABASE_URL=" + url, "REPORTING_AUTH_ISSUERS=" + sc.issuer.URL, "REPORTING_STATEMENT_TIMEOUT=" + statementLimit.String(),
	}, settings...)...)
	if err != nil {
		return nil, err
	}
	sc.services = append(sc.services, service)
	return service, nil
}

// ready is service, waiting until it is ready.
func (sc *scene) ready(url string, settings ...string) (*servers.Service, error) {
	service, err := sc.service(url, settings...)
	if err != nil {
		return nil, err
	}
	return service, service.AwaitReady(sc.ctx)
}

// damaged puts a proxy that can spoil things before the primary, and a service behind
// that.
func (sc *scene) damaged() (*servers.Damage, *servers.Service, error) {
	damage, err := servers.NewDamage(fmt.Sprintf("127.0.0.1:%d", sc.primary.Port))
	if err != nil {
		return nil, nil, err
	}
	sc.later(func() error { damage.Down(); return nil })
	url := "postgres://" + servers.Reader + ":" + sc.primary.Password() + "@" + damage.Addr() + "/" + database + "?sslmode=disable"
	service, err := sc.ready(url)
	return damage, service, err
}

// play is a fault in the middle of calls: all is well, it strikes, it lasts, it is
// mended, and all is well again.
type play struct {
	what    string // for the table; empty: the name of the fault
	addr    string
	to      func() string  // in place of addr
	callers []calls.Caller // nil: ordinary ones
	every   time.Duration  // between the calls of a client; 0: unhurried
	broken  bool           // from the start, when there was nobody to call yet
	strike  func() error
	lasts   time.Duration
	during  func() error // what else happens then
	mend    func() error
	expect  expectation
}

// wellWithin is how long a scene may take to be well before anything is broken.
const wellWithin = 20 * time.Second

// run plays it, and adds a row about it to the table.
func (sc *scene) run(p play) error {
	if p.callers == nil {
		var err error
		if p.callers, err = sc.ordinary(); err != nil {
			return err
		}
	}
	to := p.to
	if to == nil {
		to = func() string { return p.addr }
	}
	crowd, err := calls.Start(sc.ctx, calls.Plan{Addr: to, Callers: p.callers, Clients: clients, Every: max(p.every, unhurried)})
	if err != nil {
		return err
	}
	defer crowd.Stop()
	if !p.broken {
		if err := crowd.AwaitWell(sc.ctx, wellWithin); err != nil {
			return fmt.Errorf("before anything was broken: %w: %s", err, calls.Summarize(crowd.Answers(), time.Time{}, time.Now()))
		}
	}
	begin := time.Now()
	if err := do(p.strike); err != nil {
		return err
	}
	struck := time.Now()
	if err := do(p.during); err != nil {
		return err
	}
	select {
	case <-sc.ctx.Done():
		return context.Cause(sc.ctx)
	case <-time.After(sc.lasting(p) - time.Since(struck)):
	}
	if err := do(p.mend); err != nil {
		return err
	}
	mended := time.Now()
	well := crowd.AwaitWell(sc.ctx, p.expect.limit())
	if sc.ctx.Err() != nil {
		return context.Cause(sc.ctx)
	}
	sc.tell(p, judge(crowd.Stop(), begin, mended, well, p.expect))
	return nil
}

// lasting is how long a fault lasts: less where there is little time, but long enough for
// calls to run into the statement limit.
func (sc *scene) lasting(p play) time.Duration {
	if sc.quick {
		return min(p.lasts, max(statementLimit+500*time.Millisecond, p.lasts/2))
	}
	return p.lasts
}

func do(step func() error) error {
	if step == nil {
		return nil
	}
	return step()
}

func (sc *scene) tell(p play, r row) {
	r.fault = p.what
	if r.fault == "" {
		r.fault = sc.name
	}
	sc.rowsOut = append(sc.rowsOut, r)
	sc.progressf("%s: %s; slowest %v, recovered in %v", r.fault, r.seen, r.slowest.Round(time.Millisecond), r.recovery.Round(time.Millisecond))
	for _, problem := range r.problems {
		sc.progressf("   NOT MET: %s", problem)
	}
}

// notef says more about the last row.
func (sc *scene) notef(format string, args ...any) {
	r := &sc.rowsOut[len(sc.rowsOut)-1]
	r.note = strings.TrimSpace(r.note + " " + fmt.Sprintf(format, args...))
}

// problemf adds what was not met in the last row.
func (sc *scene) problemf(format string, args ...any) {
	r := &sc.rowsOut[len(sc.rowsOut)-1]
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
	sc.progressf("   NOT MET: %s", r.problems[len(r.problems)-1])
}
