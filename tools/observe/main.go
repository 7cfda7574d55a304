// SPDX-License-Identifier: Apache-2.0

// Command observe writes the dashboard for Grafana. It is for "make dashboard"; the tests
// beside it prove that dashboard and alerts fit the service ("make observe").
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
		err = os.WriteFile(*path, text, 0o644) //nolint:gosec // it is for everybody to read
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "observe:", err)
		os.Exit(1)
	}
}
