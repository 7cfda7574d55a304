// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"reporting/internal/auth"
	"reporting/internal/config"
	"reporting/internal/fhir"
	"reporting/internal/httpapi"
	"reporting/internal/httpapi/jobstatus"
	"reporting/internal/httpapi/metadata"
	"reporting/internal/reports/catalog"
	"reporting/internal/telemetry"
	"reporting/internal/telemetry/tracing"
)

// stopLimit is the time limit of clean-ups that wait for no client.
const stopLimit = 5 * time.Second

// Options are what a service is made from.
type Options struct {
	Config config.Config
	Build  telemetry.Build
	Traces Traces // whether and where traces are sent
	Log    *slog.Logger
	Now    func() time.Time // nil: the system's clock
	Listen ListenFunc       // opens both listeners; nil: TCP
	Demo   bool             // reports that are there for trying clients too
	// Stdout and Stderr are where audit records go, when the settings say so.
	Stdout, Stderr io.Writer
}

// App is a running service.
type App struct {
	log       *slog.Logger
	now       func() time.Time
	open      ListenFunc
	config    config.Config
	readiness *telemetry.Readiness
	tracer    *tracing.Tracer // nil: traces are off
	metrics   *telemetry.Metrics
	reports   []catalog.Report // none: this service makes and takes no orders
	workers   *workers         // nil: no reports are made here
	api, ops  *listener        // api is nil in a process that only works
	cleanups  cleanups
}

// New puts a service together and takes its addresses. It neither needs the
// database nor waits for it: readiness tells when that is there. On an error
// nothing is left behind.
func New(ctx context.Context, o Options) (app *App, err error) {
	a := o.begin()
	defer func() {
		if err != nil {
			err = errors.Join(err, a.cleanups.undo(context.WithoutCancel(ctx)))
		}
	}()

	if err := a.openTraces(ctx, o); err != nil {
		return nil, err
	}
	audit, err := a.openAudit(ctx, o)
	if err != nil {
		return nil, err
	}
	db, err := a.openDatabase(ctx)
	if err != nil {
		return nil, err
	}
	authenticator, err := a.openAuth(ctx)
	if err != nil {
		return nil, err
	}
	a.readiness = telemetry.NewReadiness(a.log,
		telemetry.Check{Name: "database", Run: db.check},
		telemetry.Check{Name: "keys", Run: authenticator.Ready},
	)
	a.metrics.RegisterReadiness(a.readiness)
	if a.config.Reports.On() && a.config.Reports.Workers > 0 {
		if a.workers, err = a.openWorkers(ctx); err != nil {
			return nil, err
		}
	}
	api, err := a.handler(ctx, db, authenticator, audit, o.Build)
	if err != nil {
		return nil, err
	}
	if err := a.listen(ctx, api, db.connections); err != nil {
		return nil, err
	}
	return a, nil
}

// NewWorker puts together a service that makes reports and has no API. Like New, it
// does not wait for the database.
func NewWorker(ctx context.Context, o Options) (app *App, err error) {
	a := o.begin()
	defer func() {
		if err != nil {
			err = errors.Join(err, a.cleanups.undo(context.WithoutCancel(ctx)))
		}
	}()
	if a.workers, err = a.openWorkers(ctx); err != nil {
		return nil, err
	}
	a.readiness = telemetry.NewReadiness(a.log, telemetry.Check{Name: "workers", Run: a.workers.check})
	a.metrics.RegisterReadiness(a.readiness)
	if err := a.listenOps(ctx); err != nil {
		return nil, err
	}
	return a, nil
}

func (o Options) begin() *App {
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &App{log: o.Log, now: o.Now, open: o.Listen, config: o.Config, metrics: telemetry.NewMetrics(o.Build), reports: o.definitions(o.Now)}
	a.logReports(o.Demo)
	return a
}

// gatewayWarning is logged at start and reported by the doctor.
const gatewayWarning = "gateway mode: this service does not check token signatures; every trusted peer can act as any user"

func (a *App) openAuth(ctx context.Context) (auth.Authenticator, error) {
	c := a.config
	if err := auth.RegisterMode(a.metrics.Registry, string(c.Auth)); err != nil {
		return nil, err
	}
	if c.Auth == config.Gateway {
		a.log.WarnContext(ctx, gatewayWarning, "trusted_peers", fmt.Sprint(c.AuthTrustedPeers))
		return auth.NewGateway(auth.GatewayOptions{TrustedPeers: c.AuthTrustedPeers, Now: a.now}), nil
	}
	verifier, err := auth.NewVerifier(auth.VerifierOptions{
		Issuers: c.AuthIssuers, JWKSURL: c.AuthJWKSURL, Audience: c.AuthAudience, Now: a.now, Log: a.log,
	})
	if err != nil {
		return nil, fmt.Errorf("open authentication: %w", err)
	}
	if c.AuthAudience == "" {
		a.log.WarnContext(ctx, auth.NoAudience)
	}
	a.cleanups.background(ctx, "token verifier", stopLimit, verifier.Run)
	return verifier, verifier.Register(a.metrics.Registry)
}

func (a *App) handler(ctx context.Context, db database, authenticator auth.Authenticator, audit *telemetry.Audit, build telemetry.Build) (http.Handler, error) {
	c := a.config
	links := fhir.Links{Base: c.BaseURL.String(), AbsoluteFullURL: c.AbsoluteFullURL}
	operations, routes, err := a.reportEndpoints(ctx, db)
	if err != nil {
		return nil, err
	}
	operations = append([]httpapi.Operation{jobstatus.New(a.tracer.Jobs(db.jobs), links)}, operations...)
	about, err := metadata.Routes(fhir.Server{
		Base: links.Base, Version: build.Version, Released: build.Date, Binaries: c.Reports.On(), CORS: len(c.CORSOrigins) > 0,
	}, operations)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	handler, err := httpapi.New(httpapi.Options{
		Base:          c.BaseURL,
		Auth:          authenticator,
		Operations:    operations,
		Routes:        append(about, routes...),
		MaxBody:       c.MaxBody,
		MaxConcurrent: c.MaxConcurrent,
		UserRate:      c.UserRate,
		CORSOrigins:   c.CORSOrigins,
		Audit:         audit,
		Pseudonyms:    telemetry.NewPseudonyms(string(c.LogUserKey)),
		Log:           a.log,
		Metrics:       a.metrics,
		Tracer:        a.tracer,
		Draining:      a.readiness.Draining,
		Now:           a.now,
	})
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	return handler, nil
}
