// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"reporting/tools/bench/stage"

	"reporting/tools/faults/calls"
	"reporting/tools/faults/servers"
)

func keyFaults() []fault {
	return []fault{
		{name: "keys-late", meet: keysLate},
		{name: "keys-away", meet: keysAway},
		{name: "keys-odd", meet: keysOdd},
		{name: "keys-rotated", meet: keysRotated},
	}
}

// issuance is an issuer of the scene's own, behind a proxy.
type issuance struct {
	*stage.Issuer
	damage *servers.Damage
}

func (sc *scene) issuance() (*issuance, error) {
	issuer, err := stage.StartIssuer()
	if err != nil {
		return nil, err
	}
	sc.later(func() error { issuer.Stop(); return nil })
	damage, err := servers.NewDamage(issuer.Addr)
	if err != nil {
		return nil, err
	}
	sc.later(func() error { damage.Down(); return nil })
	issuer.URL = "http://" + damage.Addr()
	return &issuance{Issuer: issuer, damage: damage}, nil
}

// callers have new tokens all the time, so that none is remembered.
func (i *issuance) callers() []calls.Caller {
	list := make([]calls.Caller, users)
	for n := range list {
		list[n] = calls.Caller{
			Token: func() (string, error) { return i.Token(userID(n)) },
			Right: calls.Exactly(userID(n), jobsEach),
		}
	}
	return list
}

// judged starts a service that believes this issuer.
func (i *issuance) judged(sc *scene) (*servers.Service, error) {
	return sc.service(sc.primary.URL(servers.Reader, database, 0), "REPORTING_AUTH_ISSUERS="+i.URL)
}

// keysLate begins with a key server that is away, or answers something else.
func keysLate(sc *scene) error {
	for _, way := range sc.ways() {
		issuer, err := sc.issuance()
		if err != nil {
			return err
		}
		if err := way.begin(issuer, sc); err != nil {
			return err
		}
		service, err := issuer.judged(sc)
		if err != nil {
			return err
		}
		if err := service.AwaitNotReady(sc.ctx, "key"); err != nil {
			return err
		}
		if err := sc.run(play{
			what: "key server " + way.name + " at the start; then well", addr: service.Addr, callers: issuer.callers(), broken: true, lasts: time.Second,
			mend: func() error { return way.end(issuer, sc) },
			// It tries more and more seldom, and one that hangs takes up to five seconds.
			expect: expectation{kinds: away, hurts: true, recover: 20 * time.Second},
		}); err != nil {
			return err
		}
		if err := service.AwaitReady(sc.ctx); err != nil {
			return err
		}
	}
	return nil
}

// keysAway takes the key server away after its keys were loaded.
func keysAway(sc *scene) error { return keysLater(sc, sc.ways()[:1]) }

// keysOdd has it answer something else by then.
func keysOdd(sc *scene) error { return keysLater(sc, sc.ways()[1:]) }

// keysLater has strangers bring tokens with keys that nobody knows, so that the key server
// is asked, and none of it matters to those whose key is known.
func keysLater(sc *scene, ways []way) error {
	issuer, err := sc.issuance()
	if err != nil {
		return err
	}
	stranger, err := stage.StartIssuer()
	if err != nil {
		return err
	}
	sc.later(func() error { stranger.Stop(); return nil })
	for range 3 {
		if err := stranger.Rotate(); err != nil { // its name for its key is unknown then
			return err
		}
	}
	stranger.URL = issuer.URL
	for _, way := range ways {
		service, err := issuer.judged(sc)
		if err != nil {
			return err
		}
		if err := service.AwaitReady(sc.ctx); err != nil {
			return err
		}
		if err := sc.run(play{
			what: "key server " + way.name + " later, tokens with unknown keys coming in", addr: service.Addr, callers: issuer.callers(),
			strike: func() error { return way.begin(issuer, sc) }, lasts: 3 * time.Second,
			during: func() error { return intrude(sc, service, stranger) },
			mend:   func() error { return way.end(issuer, sc) },
		}); err != nil {
			return err
		}
		if err := service.AwaitReady(sc.ctx); err != nil {
			sc.problemf("not ready: %v", err)
		}
	}
	return nil
}

// intrude calls with tokens of a stranger, and wants them refused.
func intrude(sc *scene, service *servers.Service, stranger *stage.Issuer) error {
	refused := 0
	crowd, err := calls.Start(sc.ctx, calls.Plan{
		Addr: func() string { return service.Addr }, Clients: 2, Every: 10 * unhurried,
		Callers: []calls.Caller{{
			Token: func() (string, error) { return stranger.Token(userID(1)) },
			Right: func([]byte) error { return errors.New("a stranger's token was taken for good") },
		}},
	})
	if err != nil {
		return err
	}
	select {
	case <-sc.ctx.Done():
	case <-time.After(2 * time.Second):
	}
	for _, a := range crowd.Stop() {
		if a.Status != http.StatusUnauthorized {
			return fmt.Errorf("a token with an unknown key got %d %s (%w)", a.Status, a.Code, errors.Join(a.Wrong, a.Broken))
		}
		refused++
	}
	if refused == 0 {
		return errors.New("no token with an unknown key was sent")
	}
	return nil
}

// keysRotated changes the key, and with it all tokens.
func keysRotated(sc *scene) error {
	issuer, err := sc.issuance()
	if err != nil {
		return err
	}
	service, err := issuer.judged(sc)
	if err != nil {
		return err
	}
	if err := service.AwaitReady(sc.ctx); err != nil {
		return err
	}
	return sc.run(play{
		what: "keys rotated without notice", addr: service.Addr, callers: issuer.callers(), mend: issuer.Rotate,
		// Tokens that were signed a moment before come after the keys were loaded anew.
		expect: expectation{kinds: []string{"401 login"}},
	})
}
