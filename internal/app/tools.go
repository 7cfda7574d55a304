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

// Build says which build is running.
type Build = telemetry.Build

// Checks are those of the settings whose meaning other packages know. None of
// them connects to anything.
func Checks() config.Checks {
	return config.Checks{
		DatabaseURL: postgres.CheckURL,
		Verifier: func(issuers []string, jwksURL, audience string) error {
			_, err := auth.NewVerifier(auth.VerifierOptions{Issuers: issuers, JWKSURL: jwksURL, Audience: audience})
			return err
		},
	}
}

// NewLogger returns the logger that the settings ask for.
func NewLogger(c config.Config, w io.Writer) *slog.Logger {
	return telemetry.NewLogger(w, c.LogLevel, telemetry.Format(c.LogFormat))
}

// OpenLog returns the logger that the settings ask for, for a service: nobody waits
// until a line is written. What it returns besides writes what is left.
func OpenLog(c config.Config, w io.Writer) (log *slog.Logger, end func()) {
	log, lines := telemetry.NewBufferedLogger(w, c.LogLevel, telemetry.Format(c.LogFormat))
	return log, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = lines.Close(ctx) // nobody takes them
	}
}

// Migrate brings the schema up to date and returns its version.
func Migrate(ctx context.Context, c config.Config, log *slog.Logger) (version int64, err error) {
	return postgres.Migrate(ctx, string(c.DatabaseURL), log)
}

// Token makes an unsigned token for dev and gateway mode. An empty userID is
// the user of the published example, who has its roles and type unless others
// are given; a zero expiry leaves the claim exp out.
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
