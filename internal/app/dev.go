// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"reporting/internal/auth"
	"reporting/internal/config"
	"reporting/internal/devpg"
	"reporting/internal/postgres"
)

// DevOptions are the options of "reporting dev" besides the settings.
type DevOptions struct {
	DataDir string    // folder of the database; empty: a temporary one
	Out     io.Writer // receives the instructions
}

// Dev runs the service on a private Postgres with demo jobs until ctx ends. It leaves no files
// behind, except in DataDir.
func Dev(ctx context.Context, o Options, dev DevOptions) (err error) {
	server, err := devpg.Start(ctx, devpg.Options{DataDir: dev.DataDir, Log: o.Log})
	if ctx.Err() != nil && err != nil {
		return nil // Ctrl-C during the start
	}
	if err != nil {
		return fmt.Errorf("start a private Postgres: %w", err)
	}
	var undo cleanups
	undo.add("private Postgres", stopLimit, server.Stop)
	defer func() { err = errors.Join(err, undo.undo(context.WithoutCancel(ctx))) }()

	owner := server.URL("postgres", "postgres")
	if err := prepare(ctx, owner, o); err != nil {
		return err
	}
	o.Config.DatabaseURL = config.Secret(postgres.WithRole(owner, postgres.ReaderRole))
	o.Config.Reports.WorkerDatabaseURL = config.Secret(owner)
	o.Demo = true
	o.Config.ShutdownDelay = 0 // there is no load balancer
	app, err := New(ctx, o)
	if err != nil {
		return err
	}
	local := func(a net.Addr) string { return "http://" + config.Reachable(a.String()) }
	invite(dev.Out, local(app.Addr())+o.Config.BaseURL.Path, local(app.OpsAddr()))

	// The service stops when its database stops.
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-server.Done():
			cancel(errors.New("the private Postgres has stopped"))
		case <-running.Done():
		}
	}()
	err = app.Run(running)
	if cause := context.Cause(running); ctx.Err() == nil && cause != nil {
		err = errors.Join(cause, err)
	}
	return err
}

func prepare(ctx context.Context, url string, o Options) error {
	if _, err := postgres.Migrate(ctx, url, o.Log); err != nil {
		return fmt.Errorf("prepare the private Postgres: %w", err)
	}
	if err := postgres.Load(ctx, url, demoJobs(time.Now())); err != nil {
		return fmt.Errorf("load demo jobs: %w", err)
	}
	return nil
}

// invite prints curl commands that work when they are pasted.
func invite(out io.Writer, base, ops string) {
	curl := func(operation, body string, user auth.Principal) string {
		// One line each, so that copying is easy.
		return fmt.Sprintf("curl -s -X POST '%s/$%s' -H 'Content-Type: application/fhir+json' -d '%s' -H 'Authorization: Bearer %s'",
			base, operation, body, auth.UnsignedToken(user, time.Time{}))
	}
	status := func(user auth.Principal) string {
		return curl("get-report-job-status", `{"resourceType":"Parameters"}`, user)
	}
	_, _ = fmt.Fprintf(out, `
The service is running at %s
with a private database and demo jobs. Ask it how the reports of a user are doing:

%s

Another user has a job in every state:

%s

Have a report made, of data that is made up, and ask the first line again. The answer
names the Binary where it will be; $execute-demo-slow and $execute-demo-failing are for
trying a page that polls:

%s

It accepts unsigned tokens, but only from this machine; "reporting token --help"
makes more of them. Probes and metrics: %s/metrics
Ctrl-C ends it.

`, base, status(SeedUser()), status(DemoUser()), curl("execute-patient-usage-stats", notAnonymized, SeedUser()), ops)
}
