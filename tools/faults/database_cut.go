// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"reporting/tools/faults/calls"
)

// databaseCut breaks connections in the middle of what they carry. The callers have a
// list that is read in pages, so that part of it has left when a page does not come.
func databaseCut(sc *scene) error {
	damage, service, err := sc.damaged()
	if err != nil {
		return err
	}
	long, err := sc.long()
	if err != nil {
		return err
	}
	callers, err := sc.ordinary()
	if err != nil {
		return err
	}
	const middle = 300_000 // bytes, of a megabyte
	mend := func() error { damage.Mend(sc.ctx); return nil }
	if err := sc.run(play{
		what: "connections to the database closed in the middle of long lists", addr: service.Addr, callers: long, every: 5 * unhurried,
		strike: func() error { return damage.CutAfter(middle) }, lasts: 3 * time.Second, mend: mend,
		expect: expectation{kinds: away, hurts: true, breaks: true},
	}); err != nil {
		return err
	}
	// Short lists are asked again on another connection; not all can be, where each breaks soon.
	if err := sc.run(play{
		what: "the same, with lists of a page", addr: service.Addr, callers: callers,
		strike: func() error { return damage.CutAfter(middle) }, lasts: 3 * time.Second, mend: mend,
		expect: expectation{kinds: away},
	}); err != nil {
		return err
	}
	return sc.run(play{
		what: "connections to the database reset", addr: service.Addr, callers: callers,
		strike: func() error { return damage.ResetAfter(10) }, lasts: 3 * time.Second, mend: mend,
		expect: expectation{kinds: away, hurts: true, within: awayWithin},
	})
}

// long are callers whose lists are read in pages.
func (sc *scene) long() ([]calls.Caller, error) {
	list := make([]calls.Caller, longUsers)
	for n := range list {
		user := fmt.Sprintf("long-%d", n)
		token, err := sc.issuer.Token(user)
		if err != nil {
			return nil, err
		}
		list[n] = calls.Caller{Token: func() (string, error) { return token, nil }, Right: calls.Exactly(user, longEach)}
	}
	return list, nil
}
