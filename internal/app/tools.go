// SPDX-License-Identifier: Apache-2.0

package app

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"time"

	"reporting/internal/auth"
	"reporting/internal/config"
	"reporting/internal/postgres"
	"reporting/internal/telemetry"
)

// Build identifies the running build.
type Build = telemetry.Build

// Checks returns the checks of settings that other packages define. They make no connections.
func Checks() config.Checks {
	return config.Checks{
		DatabaseURL: postgres.CheckURL,
		Verifier: func(issuers []string, jwksURL, audience string) error {
			_, err := auth.NewVerifier(auth.VerifierOptions{Issuers: issuers, JWKSURL: jwksURL, Audience: audience})
			return err
		},
	}
}

// NewLogger returns a logger for the settings.
func NewLogger(c config.Config, w io.Writer) *slog.Logger {
	return telemetry.NewLogger(w, c.LogLevel, telemetry.Format(c.LogFormat))
}

// OpenLog returns a logger for a service. It writes lines in the background; the returned function
// writes the remaining ones.
func OpenLog(c config.Config, w io.Writer) (log *slog.Logger, end func()) {
	log, lines := telemetry.NewAsyncLogger(w, c.LogLevel, telemetry.Format(c.LogFormat))
	return log, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = lines.Close(ctx) // the reader of the log is gone
	}
}

// Migrate brings the schema up to date and returns its version.
func Migrate(ctx context.Context, c config.Config, log *slog.Logger) (version int64, err error) {
	return postgres.Migrate(ctx, string(c.DatabaseURL), log)
}

// Token returns an unsigned token for dev and gateway mode. An empty userID means the user of the
// published example, with the roles and type of the example unless others are given. A zero expiry
// omits the claim exp.
func Token(userID, userType string, roles []string, expires time.Time) string {
	caller := auth.Principal{UserID: userID, Roles: roles, UserType: userType}
	seed := SeedUser()
	if userID == "" {
		caller.UserID = seed.UserID
		if roles == nil {
			caller.Roles = seed.Roles
		}
	}
	caller.UserType = cmp.Or(userType, seed.UserType)
	return auth.UnsignedToken(caller, expires)
}
