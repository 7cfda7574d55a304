// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"reporting/internal/app"
	"reporting/internal/config"
)

// cli is the command line; kong reads its tags.
type cli struct {
	Serve       serveCommand       `cmd:"" help:"Run the service."`
	Worker      workerCommand      `cmd:"" help:"Make reports, without an API; any number may run beside serve."`
	Migrate     migrateCommand     `cmd:"" help:"Migrate the database schema to this version."`
	Dev         devCommand         `cmd:"" help:"Run the service on a private Postgres with demo jobs, without any setup."`
	Token       tokenCommand       `cmd:"" help:"Print an unsigned token for dev or gateway mode."`
	Doctor      doctorCommand      `cmd:"" help:"Check an installation with the settings of serve and say what to change; read-only."`
	Healthcheck healthcheckCommand `cmd:"" help:"Probe a running service, for containers."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

type serveCommand struct {
	config.Flags `embed:""`

	PrintConfig bool `help:"Print the effective settings, secrets masked, and exit."`

	config config.Config
	traces app.Traces
}

func (c *serveCommand) check() (err error) {
	var wrong []error
	c.config, err = c.Serve(app.Checks())
	c.traces, wrong = app.ReadTraces(os.Getenv)
	return config.Join(append(wrong, err)...)
}

func (c *serveCommand) run(ctx context.Context, stdout, stderr io.Writer) error {
	if c.PrintConfig {
		c.config.Print(stdout)
		c.traces.Print(stdout)
		return nil
	}
	ignoreClosedPipes()
	log, end := app.OpenLog(c.config, stderr)
	defer end()
	service, err := app.New(ctx, app.Options{Config: c.config, Traces: c.traces, Build: build(), Log: log, Stdout: stdout, Stderr: stderr})
	if err != nil {
		return err
	}
	return service.Run(ctx)
}

// workerCommand accepts the settings of serve, so that one environment serves both, and
// validates the ones that a worker needs.
type workerCommand struct {
	config.Flags `embed:""`

	PrintConfig bool `help:"Print the effective settings, secrets masked, and exit."`

	config config.Config
}

func (c *workerCommand) check() (err error) {
	c.config, err = c.Worker(app.Checks())
	return err
}

func (c *workerCommand) run(ctx context.Context, stdout, stderr io.Writer) error {
	if c.PrintConfig {
		c.config.Print(stdout)
		return nil
	}
	ignoreClosedPipes()
	log, end := app.OpenLog(c.config, stderr)
	defer end()
	worker, err := app.NewWorker(ctx, app.Options{Config: c.config, Build: build(), Log: log})
	if err != nil {
		return err
	}
	return worker.Run(ctx)
}

type migrateCommand struct {
	config.Database `embed:""`
	config.Logging  `embed:""`

	config config.Config
}

func (c *migrateCommand) check() (err error) {
	c.config, err = config.Migrate(c.Database, c.Logging, app.Checks())
	return err
}

func (c *migrateCommand) run(ctx context.Context, stdout, stderr io.Writer) error {
	version, err := app.Migrate(ctx, c.config, app.NewLogger(c.config, stderr))
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stdout, "schema is at version %d\n", version)
	return nil
}

type devCommand struct {
	config.HTTP        `embed:""`
	config.Query       `embed:""`
	config.ReportFlags `embed:""`
	config.Logging     `embed:""`
	config.AuditFlags  `embed:""`

	Data        string `help:"Folder of the database (default: a temporary folder that the service removes at its end)." placeholder:"DIR"`
	PrintConfig bool   `help:"Print the effective settings and exit."`

	config config.Config
	traces app.Traces
}

func (c *devCommand) check() (err error) {
	var wrong []error
	c.config, err = config.Flags{HTTP: c.HTTP, Query: c.Query, ReportFlags: c.ReportFlags, Logging: c.Logging, AuditFlags: c.AuditFlags}.Dev()
	c.traces, wrong = app.ReadTraces(os.Getenv)
	return config.Join(append(wrong, err)...)
}

func (c *devCommand) run(ctx context.Context, stdout, stderr io.Writer) error {
	if c.PrintConfig {
		c.config.Print(stdout)
		c.traces.Print(stdout)
		return nil
	}
	ignoreClosedPipes()
	log, end := app.OpenLog(c.config, stderr)
	defer end()
	for _, name := range config.Names() {
		foreign := name == "REPORTING_DATABASE_URL" || strings.HasPrefix(name, "REPORTING_AUTH")
		if foreign && os.Getenv(name) != "" {
			log.WarnContext(ctx, "dev has its own database and accepts unsigned tokens; this setting has no effect", "setting", name)
		}
	}
	return app.Dev(ctx,
		app.Options{Config: c.config, Traces: c.traces, Build: build(), Log: log, Stdout: stdout, Stderr: stderr},
		app.DevOptions{DataDir: c.Data, Out: stdout})
}

// ignoreClosedPipes keeps the service running when the reader of its log or audit
// records closes the pipe: Go ends a program that writes to a closed stdout or stderr.
// The write still fails.
func ignoreClosedPipes() { signal.Ignore(syscall.SIGPIPE) }
