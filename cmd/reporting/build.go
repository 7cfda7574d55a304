// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"runtime/debug"
	"time"

	"reporting/internal/app"
)

// Set by the linker: -ldflags "-X main.version=… -X main.commit=… -X main.date=…".
var (
	version = ""
	commit  = ""
	date    = "" // RFC 3339
)

// build says which build this is: what the linker was told, else what Go noted
// of the checkout.
func build() app.Build {
	noted := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			noted[s.Key] = s.Value
		}
	}
	made, err := time.Parse(time.RFC3339, cmp.Or(date, noted["vcs.time"]))
	if err != nil {
		made = time.Date(2026, time.November, 21, 0, 0, 0, 0, time.UTC) // of the sources
	}
	return app.Build{
		Version: cmp.Or(version, "development"),
		Commit:  cmp.Or(commit, noted["vcs.revision"], "unknown"),
		Date:    made,
	}
}
