// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"reporting/internal/auth"
	"reporting/internal/config"
	"reporting/internal/doctor"
	"reporting/internal/postgres"
)

// DoctorOptions are what "reporting doctor" is told.
type DoctorOptions struct {
	Config   config.Config    // as far as it could be read
	Problems error            // what is wrong with the settings, as "serve" would say; nil: nothing
	Now      func() time.Time // nil: the system's clock
	JSON     bool             // print for programs
	Worker   bool             // of a process that makes reports and serves nobody
	Out      io.Writer
}

// Doctor checks an installation: all that a service with these settings would need. It
// prints what it finds, and tells whether nothing is wrong. It changes nothing.
func Doctor(ctx context.Context, o DoctorOptions) (well bool, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	tell := func(f doctor.Finding) { doctor.Print(o.Out, f) }
	if o.JSON {
		tell = func(doctor.Finding) {}
	}
	report := doctor.Run(ctx, o.checks(), tell)
	if o.JSON {
		err = report.JSON(o.Out)
	} else {
		report.Sum(o.Out)
	}
	return report.Wrong == 0, err
}

const settingsArea = "settings"

func (o DoctorOptions) checks() []doctor.Check {
	checks := []doctor.Check{{Area: settingsArea, Run: func(context.Context) []doctor.Finding { return o.settings() }}}
	checks = append(checks, o.machine()...)
	if o.Worker {
		return append(append(checks, o.workers()...), o.reporting()...)
	}
	checks = append(checks, o.databases()...)
	checks = append(checks, o.workers()...)
	checks = append(checks, o.reporting()...)
	checks = append(checks, o.tokens()...)
	return append(checks, o.public())
}

func (o DoctorOptions) settings() (found []doctor.Finding) {
	if invalid, ok := errors.AsType[config.InvalidError](o.Problems); ok {
		for _, problem := range invalid.Problems() {
			found = append(found, doctor.Bad("", "%s", problem))
		}
	} else if o.Problems != nil {
		found = append(found, doctor.Bad("correct it", "%v", o.Problems))
	} else {
		found = append(found, doctor.Good("all are valid"))
	}
	if o.Config.LogUserKey == "" && !o.Worker {
		found = append(found, doctor.Doubt("give all instances the same secret",
			"REPORTING_LOG_USER_KEY is not set: pseudonyms of users in the log end with the process, and each instance has its own"))
	}
	return found
}

// notRun stands for checks whose settings cannot be used.
func notRun(area, setting string) doctor.Check {
	return doctor.Check{Area: area, Run: func(context.Context) []doctor.Finding {
		return []doctor.Finding{{Result: doctor.NotRun, Text: "because of what is wrong with " + setting}}
	}}
}

func (o DoctorOptions) databases() (checks []doctor.Check) {
	for _, e := range []*postgres.Examination{
		{Area: "database", Setting: "REPORTING_DATABASE_URL", URL: string(o.Config.DatabaseURL)},
		{Area: "replica", Setting: "REPORTING_DATABASE_REPLICA_URL", URL: string(o.Config.DatabaseReplicaURL), Replica: true},
	} {
		if e.Replica && e.URL == "" {
			continue
		}
		if e.URL == "" || postgres.CheckURL(e.URL) != nil {
			checks = append(checks, notRun(e.Area, e.Setting))
			continue
		}
		e.StatementTimeout, e.Now = o.Config.StatementTimeout, o.Now
		e.Reports = o.Config.Reports.On() && !e.Replica
		checks = append(checks, e.Checks()...)
	}
	return checks
}

func (o DoctorOptions) tokens() []doctor.Check {
	const area = "tokens"
	c := o.Config
	switch c.Auth {
	case config.Gateway:
		var trusted []string
		for _, prefix := range c.AuthTrustedPeers {
			trusted = append(trusted, prefix.String())
		}
		return []doctor.Check{{Area: area, Run: func(context.Context) []doctor.Finding {
			return []doctor.Finding{doctor.Doubt("see that only what has checked tokens can connect from there (REPORTING_AUTH_TRUSTED_PEERS), or use verify mode",
				"%s: %s", gatewayWarning, strings.Join(trusted, ", "))}
		}}}
	case config.Verify:
		options := auth.VerifierOptions{Issuers: c.AuthIssuers, JWKSURL: c.AuthJWKSURL, Audience: c.AuthAudience, Now: o.Now}
		if _, err := auth.NewVerifier(options); err == nil {
			return auth.Examine(options)
		}
	}
	return []doctor.Check{notRun(area, "REPORTING_AUTH or one of its companions")}
}
