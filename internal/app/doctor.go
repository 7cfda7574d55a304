// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"reporting/internal/auth"
	"reporting/internal/config"
	"reporting/internal/doctor"
	"reporting/internal/postgres"
)

// DoctorOptions are the options of "reporting doctor".
type DoctorOptions struct {
	Config   config.Config    // as far as it is valid
	Problems error            // of the settings; nil: none
	Now      func() time.Time // nil: the system's clock
	JSON     bool             // print JSON instead of text
	Worker   bool             // check what "reporting worker" needs
	Out      io.Writer
}

// Doctor checks an installation and prints its findings. It returns whether there are no
// errors. It changes nothing.
func Doctor(ctx context.Context, o DoctorOptions) (ok bool, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	show := func(f doctor.Finding) { doctor.Print(o.Out, f) }
	if o.JSON {
		show = func(doctor.Finding) {}
	}
	report := doctor.Run(ctx, o.checks(), show)
	if o.JSON {
		err = report.PrintJSON(o.Out)
	} else {
		report.PrintSummary(o.Out)
	}
	return report.Errors == 0, err
}

func (o DoctorOptions) checks() []doctor.Check {
	checks := []doctor.Check{{Area: "settings", Run: func(context.Context) []doctor.Finding { return o.settings() }}, {Area: "memory", Run: checkMemory}}
	if !o.Worker {
		checks = append(checks, doctor.Check{Area: "audit", Run: func(context.Context) []doctor.Finding {
			return []doctor.Finding{checkAuditLog(o.Config.AuditLog)}
		}})
		checks = append(checks, o.databases()...)
	}
	if o.Config.Reports.On() {
		checks = append(checks, o.workers()...)
		checks = append(checks, doctor.Check{Area: "source", Run: o.source}, doctor.Check{Area: "temporary", Run: checkTempDir})
	}
	if !o.Worker {
		checks = append(append(checks, o.tokens()...), o.baseURL())
	}
	return checks
}

func (o DoctorOptions) settings() (findings []doctor.Finding) {
	if o.Problems == nil {
		return []doctor.Finding{doctor.Pass("all are valid")}
	}
	invalid, ok := errors.AsType[config.InvalidError](o.Problems)
	if !ok {
		return []doctor.Finding{doctor.Fail("correct it", "%v", o.Problems)}
	}
	for _, problem := range invalid.Problems() {
		findings = append(findings, doctor.Fail("", "%s", problem))
	}
	return findings
}

// skip stands for checks that need a setting which is not valid.
func skip(area, setting string) doctor.Check {
	return doctor.Check{Area: area, Run: func(context.Context) []doctor.Finding {
		return []doctor.Finding{doctor.Skip("%s is not valid", setting)}
	}}
}

func (o DoctorOptions) databases() (checks []doctor.Check) {
	for _, e := range []*postgres.Examination{
		{Area: "database", Setting: "REPORTING_DATABASE_URL", URL: string(o.Config.DatabaseURL), Orders: o.Config.Reports.On()},
		{Area: "replica", Setting: "REPORTING_DATABASE_REPLICA_URL", URL: string(o.Config.DatabaseReplicaURL), Replica: true},
	} {
		e.Now = o.Now
		switch {
		case e.URL == "" && e.Replica:
		case e.URL == "":
			checks = append(checks, skip(e.Area, e.Setting))
		default:
			checks = append(checks, e.Checks()...)
		}
	}
	return checks
}

// workers checks the database of workers, if these settings have workers.
func (o DoctorOptions) workers() []doctor.Check {
	r := o.Config.Reports
	if r.Workers == 0 && r.WorkerDatabaseURL == "" {
		return nil
	}
	e := postgres.WorkerExamination{
		Setting: "REPORTING_WORKER_DATABASE_URL", URL: string(r.WorkerDatabaseURL), OrdersURL: string(o.Config.DatabaseURL),
		Connections: r.Workers + extraConnections, Now: o.Now,
	}
	if e.URL == "" {
		e.Setting, e.URL = "REPORTING_DATABASE_URL", e.OrdersURL
	}
	if e.URL == "" {
		return []doctor.Check{skip("workers", e.Setting)}
	}
	return []doctor.Check{e.Check()}
}

func (o DoctorOptions) tokens() []doctor.Check {
	const area = "tokens"
	c := o.Config
	switch c.Auth {
	case config.Gateway:
		return []doctor.Check{{Area: area, Run: func(context.Context) []doctor.Finding {
			return []doctor.Finding{doctor.Warn("allow only the gateway to connect from there, or use verify mode", "%s: %s", gatewayWarning, fmt.Sprint(c.AuthTrustedPeers))}
		}}}
	case config.Verify:
		options := auth.VerifierOptions{Issuers: c.AuthIssuers, JWKSURL: c.AuthJWKSURL, Audience: c.AuthAudience, Now: o.Now}
		if _, err := auth.NewVerifier(options); err == nil {
			return auth.Examine(options)
		}
	}
	return []doctor.Check{skip(area, "REPORTING_AUTH, or a setting that belongs to it,")}
}
