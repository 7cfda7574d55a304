// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"reporting/internal/app"
	"reporting/internal/config"
)

type tokenCommand struct {
	User      string        `help:"Claim user_id (default: the user of the published example)."`
	UserType  string        `help:"Claim user_type (default: PRACTITIONER)."`
	Roles     []string      `help:"Claim realm_access.roles, comma-separated (default: the roles of the published example for its user, else none)."`
	ExpiresIn time.Duration `help:"Time until the claim exp, as in 1h (default: no such claim)."`
}

func (c *tokenCommand) check() error { return nil }

func (c *tokenCommand) run(_ context.Context, stdout, _ io.Writer) error {
	var expires time.Time
	if c.ExpiresIn != 0 {
		expires = time.Now().Add(c.ExpiresIn)
	}
	_, err := fmt.Fprintln(stdout, app.Token(c.User, c.UserType, c.Roles, expires))
	return err
}

type healthcheckCommand struct {
	OpsListen string `default:":9090" env:"REPORTING_OPS_LISTEN" help:"Address of the operations listener of the service."`
	Live      bool   `help:"Ask /livez instead of /readyz."`

	config config.Config
}

func (c *healthcheckCommand) check() (err error) {
	c.config, err = config.Healthcheck(config.HTTP{OpsListen: c.OpsListen})
	return err
}

// healthTimeout is shorter than the default of container engines.
const healthTimeout = 3 * time.Second

func (c *healthcheckCommand) run(ctx context.Context, stdout, _ io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	probe := "readyz"
	if c.Live {
		probe = "livez"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+config.Reachable(c.config.OpsListen)+"/"+probe, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask %s: %w", probe, err)
	}
	// The default client would use a proxy from the environment.
	response, err := (&http.Client{Transport: &http.Transport{}}).Do(request)
	if err != nil {
		return fmt.Errorf("ask %s: %w", probe, err)
	}
	defer func() { _ = response.Body.Close() }()
	const enough = 4 << 10
	text, _ := io.ReadAll(io.LimitReader(response.Body, enough))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", probe, response.Status, text)
	}
	_, _ = stdout.Write(text)
	return nil
}

type versionCommand struct{}

func (c *versionCommand) check() error { return nil }

func (c *versionCommand) run(_ context.Context, stdout, _ io.Writer) error {
	b := build()
	_, err := fmt.Fprintf(stdout, "reporting %s (commit %s, %s)\n", b.Version, b.Commit, b.Date.Format(time.DateOnly))
	return err
}
