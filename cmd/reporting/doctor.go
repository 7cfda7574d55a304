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

	JSON   bool `help:"Print JSON."`
	Worker bool `help:"Check the settings of \"reporting worker\" instead."`

	config   config.Config
	problems error
}

func (c *doctorCommand) check() (err error) {
	if c.Worker {
		c.config, err = c.Flags.Worker(app.Checks())
		return err
	}
	c.config, err = c.Serve(app.Checks())
	_, wrong := app.ReadTraces(os.Getenv)
	return config.Join(append(wrong, err)...)
}

func (c *doctorCommand) tolerate(problems error) { c.problems = problems }

func (c *doctorCommand) run(ctx context.Context, stdout, _ io.Writer) error {
	well, err := app.Doctor(ctx, app.DoctorOptions{Config: c.config, Problems: c.problems, JSON: c.JSON, Worker: c.Worker, Out: stdout})
	if err == nil && !well {
		err = errors.New("problems found: see the list above")
	}
	return err
}
