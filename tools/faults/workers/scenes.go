// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// rescue is how long it takes at most until a job is taken from a worker that says nothing:
// fifteen seconds, a look, and a machine that does other things as well.
const rescue = 25 * time.Second

func scenes() []scene {
	return []scene{
		{
			name: "sigterm", what: "SIGTERM to the worker", seconds: 12, befall: terminate,
			expect: expectation{status: done, used: 1, another: true, within: rescue},
		},
		{
			name: "freeze", what: "worker frozen (SIGSTOP) for 30 s at the end of its work, and going on", seconds: 5, slow: true, befall: freeze,
			expect: expectation{status: done, used: 2, another: true, within: 2 * rescue},
		},
		{
			name: "restart", what: "database stopped at once, and started again", seconds: 8, befall: func(a *act) error { return a.withoutDatabase(time.Second) },
			expect: expectation{status: done, used: 1, within: rescue},
		},
		{
			name: "away", what: "database away for 40 s, longer than the report takes", seconds: 10, slow: true, befall: func(a *act) error { return a.withoutDatabase(40 * time.Second) },
			expect: expectation{status: done, used: 1, within: 40*time.Second + rescue},
		},
		{
			name: "back", what: "database away for 40 s, and the report takes longer", seconds: 60, slow: true, befall: func(a *act) error { return a.withoutDatabase(40 * time.Second) },
			expect: expectation{status: done, used: 1, within: rescue},
		},
		{
			name: "delete", what: "its user deletes the Binary", seconds: 30, befall: deleteBinary,
			expect: expectation{status: cancelled, used: 1, within: 0},
		},
	}
}

// terminate ends the worker in order, which may take its patience.
func terminate(a *act) error {
	w := a.workers[a.holder]
	begin := time.Now()
	if err := w.Stop(); err != nil { // as is another exit code than 0
		return err
	}
	took := time.Since(begin)
	a.note = fmt.Sprintf("the process ended with 0 after %.1f s.", took.Seconds())
	if took > 20*time.Second {
		return fmt.Errorf("it took %v to end", took)
	}
	changes, err := a.changes(a.ctx, a.user.id)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if c.Was == running && c.Became == queued && c.Who == a.holder {
			a.note += fmt.Sprintf(" It handed the job back after %.1f s.", c.At.Sub(a.struck).Seconds())
			return nil
		}
	}
	return errors.New("it ended, and has not handed the job back")
}

// freeze halts the worker when all that is left to do is to store the result, and lets it
// go on when the job is another's.
func freeze(a *act) error {
	const pause, late = 30 * time.Second, 8 * time.Second
	if err := a.awaitReading(1, 5); err != nil {
		return err
	}
	w := a.workers[a.holder]
	a.struck = time.Now()
	if err := w.Freeze(); err != nil {
		return err
	}
	time.Sleep(pause)
	if err := w.Thaw(); err != nil {
		return err
	}
	time.Sleep(late) // so that what it stores would be there
	return nil
}

// withoutDatabase stops the database as a crash does, and starts it again after a while.
func (a *act) withoutDatabase(pause time.Duration) error {
	if err := a.postgres.Crash(); err != nil {
		return err
	}
	time.Sleep(pause)
	if err := a.postgres.Start(); err != nil {
		return err
	}
	if err := a.postgres.Await(a.ctx); err != nil {
		return err
	}
	return a.api.AwaitReady(a.ctx)
}

// deleteBinary deletes the result of a running job, and looks for how long the worker goes
// on all the same.
func deleteBinary(a *act) error {
	const goesOn = 6 * time.Second
	told, err := a.user.call(a.ctx, http.MethodDelete, "/"+a.binary, "")
	if err != nil {
		return err
	}
	if told.status/100 != 2 {
		return fmt.Errorf("deleting it was answered with %d: %.300s", told.status, told.body)
	}
	deleted := time.Now()
	if err := await(a.ctx, beginWithin, func(context.Context) error {
		if latest := a.source.readings()[0].last; time.Since(latest) < 3*time.Second { // a page takes one
			return errors.New("the source is still read")
		}
		return nil
	}); err != nil {
		return err
	}
	stopped := a.source.readings()[0].last.Sub(deleted)
	a.note = fmt.Sprintf("the worker asked its source for a page %.1f s after that, and not again.", max(0, stopped.Seconds()))
	if stopped > goesOn {
		return fmt.Errorf("the worker goes on %v after the deletion", stopped)
	}
	return nil
}
