// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"io"
	"log/slog"
	"time"

	"reporting/internal/auth"
	"reporting/internal/config"
	"reporting/internal/obs"
	"reporting/internal/postgres"
)

// Build says which build is running.
type Build = obs.Build

// CheckDatabaseURL tells what is wrong with a connection string, without
// connecting and without repeating it.
func CheckDatabaseURL(url string) error {
	return postgres.CheckURL(url)
}

// NewLogger returns the logger that the settings ask for.
func NewLogger(c config.Config, w io.Writer) *slog.Logger {
	return obs.NewLogger(w, c.LogLevel, obs.Format(c.LogFormat))
}

// Migrate brings the schema up to date and returns its version.
func Migrate(ctx context.Context, c config.Config, log *slog.Logger) (version int64, err error) {
	return postgres.Migrate(ctx, string(c.DatabaseURL), log)
}

// Token makes an unsigned token for dev and gateway mode. An empty userID is
// the user of the published example, with its roles and type; a zero expiry
// leaves the claim exp out.
func Token(userID, userType string, roles []string, expires time.Time) string {
	caller := SeedUser()
	if userID != "" {
		caller = auth.Principal{UserID: userID, Roles: roles, UserType: userType}
	}
	return auth.UnsignedToken(caller, expires)
}
