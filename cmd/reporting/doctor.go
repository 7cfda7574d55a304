// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"os"

	"reporting/internal/app"
	"reporting/internal/config"
)

type doctorCommand struct {
	config.Flags `embed:""`

	JSON   bool `help:"Print JSON instead of text."`
	Worker bool `help:"Check what \"reporting worker\" needs, with its settings."`

	config   config.Config
	problems error
}

func (c *doctorCommand) check() (err error) {
	if c.Worker {
		c.config, err = c.Flags.Worker(app.Checks())
		return err
	}
	c.config, err = c.Serve(app.Checks())
	_, invalid := app.ReadTraces(os.Getenv)
	return config.Join(append(invalid, err)...)
}

func (c *doctorCommand) tolerate(problems error) { c.problems = problems }

func (c *doctorCommand) run(ctx context.Context, stdout, _ io.Writer) error {
	ok, err := app.Doctor(ctx, app.DoctorOptions{Config: c.config, Problems: c.problems, JSON: c.JSON, Worker: c.Worker, Out: stdout})
	if err == nil && !ok {
		err = errors.New("the doctor found errors, see above")
	}
	return err
}
