// SPDX-License-Identifier: Apache-2.0

// Command observe writes the dashboard for Grafana ("make dashboard"). The tests of this module
// check dashboard, alerts and runbook against the running service ("make observe").
package main

import (
	"flag"
	"fmt"
	"os"

	"reporting/tools/observe/dashboard"
)

func main() {
	path := flag.String("dashboard", "", "the `file` to write")
	flag.Parse()
	if *path == "" {
		flag.Usage()
		os.Exit(2)
	}
	text, err := dashboard.JSON()
	if err == nil {
		err = os.WriteFile(*path, text, 0o644) //nolint:gosec // a public file
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "observe:", err)
		os.Exit(1)
	}
}
