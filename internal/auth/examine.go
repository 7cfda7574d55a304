// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"reporting/internal/doctor"
)

// NoAudience is the warning for a service without an audience.
const NoAudience = "no audience is set (REPORTING_AUTH_AUDIENCE): the service accepts tokens that the issuers made for other services"

// Examine returns checks of the issuers that a Verifier with these options would trust. They
// load each issuer's keys, and keep nothing. The options must be valid.
func Examine(o VerifierOptions) []doctor.Check {
	const area = "tokens"
	o.setDefaults()
	var checks []doctor.Check
	if o.Audience == "" {
		checks = append(checks, doctor.Check{Area: area, Run: func(context.Context) []doctor.Finding {
			return []doctor.Finding{doctor.Warn("set it to the claim aud that the issuers write for this service", NoAudience)}
		}})
	}
	for _, issuer := range o.Issuers {
		checks = append(checks, doctor.Check{Area: area, Run: func(ctx context.Context) []doctor.Finding {
			x := examination{now: o.Now, begin: o.Now()}
			x.source = source{issuer: issuer, keysURL: o.JWKSURL, client: o.Client, seen: x.readClock}
			findings := x.issuer(ctx)
			if x.clock.Result != "" {
				findings = append(findings, x.clock)
			}
			return findings
		}})
	}
	return checks
}

// examination is that of one issuer.
type examination struct {
	source source
	now    func() time.Time
	begin  time.Time
	clock  doctor.Finding // of the first response with a date
}

// readClock rates the clock of the server that sent a response.
func (x *examination) readClock(response *http.Response) {
	date, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil || x.clock.Result != "" {
		return
	}
	// A cache says how long it has had the response (RFC 9111, section 5.1).
	if age, err := strconv.Atoi(response.Header.Get("Age")); err == nil && age > 0 {
		date = date.Add(time.Duration(age) * time.Second)
	}
	// Date has whole seconds.
	x.clock = doctor.Clock(response.Request.URL.Host, date.Add(time.Second/2), x.begin, x.now())
}

func (x *examination) issuer(ctx context.Context) (findings []doctor.Finding) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	name, address := x.source.issuer, x.source.keysURL
	if address == "" {
		var err error
		if address, err = x.source.discover(ctx); err != nil {
			return []doctor.Finding{doctor.Fail("write REPORTING_AUTH_ISSUERS exactly as the claim iss and the issuer's discovery document do, and let this machine reach it",
				"issuer %s: read discovery document: %s", name, cause(err))}
		}
	}
	if u, err := url.Parse(address); err == nil && u.Scheme == "http" && !isLoopback(u.Hostname()) {
		findings = append(findings, doctor.Warn("use https: anyone on the way can replace the keys", "issuer %s: its keys are loaded without TLS", name))
	}
	keys, all, err := x.source.fetchKeys(ctx, address)
	if err != nil {
		return append(findings, doctor.Fail("publish keys that verify signatures, each with kid, RSA of 2048 bits or more or elliptic, and no private keys",
			"issuer %s: load keys: %s", name, cause(err)))
	}
	return append(findings, doctor.Pass("issuer %s: %d of %d published keys can be used", name, len(keys), all))
}

// cause returns an error without the method and the address of the request.
func cause(err error) string {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		if failed.Timeout() {
			return "the server does not answer in time"
		}
		return failed.Err.Error()
	}
	return err.Error()
}
