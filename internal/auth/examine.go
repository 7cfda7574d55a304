// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/MicahParks/jwkset"

	"reporting/internal/doctor"
)

// Examine are the checks of whether a Verifier with these options could judge tokens. They
// load each issuer's keys as it would, but nothing is kept. The options must be valid.
func Examine(o VerifierOptions) []doctor.Check {
	const area = "tokens"
	o.setDefaults()
	checks := []doctor.Check{{Area: area, Run: func(context.Context) []doctor.Finding { return []doctor.Finding{audience(o.Audience)} }}}
	for _, issuer := range o.Issuers {
		checks = append(checks, doctor.Check{Area: area, Run: func(ctx context.Context) []doctor.Finding {
			x := examination{now: o.Now}
			x.source = source{issuer: issuer, keysURL: o.JWKSURL, client: o.Client, seen: x.see}
			x.issuer(ctx)
			return x.found
		}})
	}
	return checks
}

// NoAudience is what an operator should know where no audience is set.
const NoAudience = "no audience is set (REPORTING_AUTH_AUDIENCE): a token for any other service of the issuers is good here too"

func audience(audience string) doctor.Finding {
	if audience == "" {
		return doctor.Doubt("set it to what the issuers write into the claim aud for this service", NoAudience)
	}
	return doctor.Good("tokens must be for %q (aud)", audience)
}

// examination is of one issuer.
type examination struct {
	source source
	now    func() time.Time

	found   []doctor.Finding
	begun   time.Time // the request that is under way,
	place   string    // and whom it asks
	clock   doctor.Finding
	clocked bool
}

// see reads the server's clock, from the first answer that tells it.
func (x *examination) see(response *http.Response) {
	date, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil || x.clocked {
		return
	}
	// A cache in between says how long it has had the answer (RFC 9111 section 5.1).
	if age, err := strconv.Atoi(response.Header.Get("Age")); err == nil && age > 0 {
		date = date.Add(time.Duration(age) * time.Second)
	}
	// The header leaves out what is less than a second.
	x.clock, x.clocked = doctor.Clock(x.place, date.Add(time.Second/2), x.begun, x.now()), true
}

func (x *examination) add(f doctor.Finding) { x.found = append(x.found, f) }

func (x *examination) issuer(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	name, address := x.source.issuer, x.source.keysURL
	if address == "" {
		x.ask(name)
		var err error
		if address, err = x.source.discover(ctx); err != nil {
			x.add(doctor.Bad("write REPORTING_AUTH_ISSUERS exactly as tokens and the issuer's discovery document have it, and let this machine reach it",
				"issuer %s: no keys are found: %s", name, reason(err)))
			x.finish()
			return
		}
		x.add(doctor.Good("issuer %s: the discovery document is its own, and names the key set %s", name, address))
	}
	if x.open(name) && x.source.keysURL == "" || x.open(address) {
		x.add(doctor.Doubt("use https: whoever is on the way can put in keys of their own", "issuer %s: its keys are fetched without TLS", name))
	}
	x.ask(address)
	keys, all, err := x.source.fetchKeys(ctx, address)
	if err != nil {
		x.add(doctor.Bad("see what the key set holds: keys that verify signatures, each with kid, RSA of 2048 bits and more or elliptic, no private ones",
			"issuer %s: no key can be used: %s", name, reason(err)))
	} else {
		x.add(doctor.Good("issuer %s: %d of %d published keys can be used: %s", name, len(keys), all, algorithmsOf(keys)))
	}
	x.finish()
}

func (x *examination) finish() {
	if x.clocked {
		x.add(x.clock)
	}
}

// open tells whether a URL leads over a network unprotected.
func (*examination) open(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "http" && !isLoopback(u.Hostname())
}

// ask notes a request that is about to be made.
func (x *examination) ask(address string) {
	x.begun, x.place = x.now(), address
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		x.place = u.Host
	}
}

// algorithmsOf lists the algorithms, and how many keys are for each.
func algorithmsOf(keys []jwkset.JWK) string {
	count := map[string]int{}
	var names []string
	for _, key := range keys {
		name := string(key.Marshal().ALG)
		if count[name]++; count[name] == 1 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for i, name := range names {
		if count[name] > 1 {
			names[i] = fmt.Sprintf("%s (%d)", name, count[name])
		}
	}
	return strings.Join(names, ", ")
}

// reason leaves out the request's method and address, which stand before it already.
func reason(err error) string {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		if failed.Timeout() {
			return "the server does not answer in time"
		}
		return failed.Err.Error()
	}
	return err.Error()
}
