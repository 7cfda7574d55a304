// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"os"
	"runtime/debug"
	"time"

	"reporting/internal/app"
)

// The linker sets these: -ldflags "-X main.version=… -X main.commit=… -X main.date=…".
var (
	version = ""
	commit  = ""
	date    = "" // RFC 3339
)

// build returns the version of this build: from the linker, else from the version
// control information that Go embeds.
func build() app.Build {
	noted := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			noted[s.Key] = s.Value
		}
	}
	made, err := time.Parse(time.RFC3339, cmp.Or(date, noted["vcs.time"]))
	if err != nil {
		made = installed()
	}
	return app.Build{
		Version: cmp.Or(version, "development"),
		Commit:  cmp.Or(commit, noted["vcs.revision"], "unknown"),
		Date:    made,
	}
}

// installed returns the modification time of the program's file, for builds without
// other information.
func installed() time.Time {
	path, err := os.Executable()
	if err != nil {
		return time.Now()
	}
	info, err := os.Stat(path)
	if err != nil {
		return time.Now()
	}
	return info.ModTime()
}
