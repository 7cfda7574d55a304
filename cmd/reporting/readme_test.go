// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"reporting/api"
	"reporting/internal/config"
)

func document(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile("../../" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The table of settings in docs/settings.md is the program's, defaults included.
//
//nolint:paralleltest // the environment is the process's
func TestSettingsPageListsTheSettings(t *testing.T) {
	var documented []string
	row := regexp.MustCompile("(?m)^\\| `(REPORTING_[A-Z_]+)` \\| (?:`([^`]*)`|none) \\|")
	for _, row := range row.FindAllStringSubmatch(document(t, "docs/settings.md"), -1) {
		documented = append(documented, row[1])
		args := []string{"serve", "--print-config", "--database-url=postgres://h/d"}
		if row[1] == "REPORTING_AUTH_TRUSTED_PEERS" {
			args = append(args, "--auth=gateway")
		} else {
			args = append(args, "--auth-issuers=https://idp.example")
		}
		_, stdout, stderr := call(t, nil, args...)
		if slices.Contains([]string{"REPORTING_DATABASE_URL", "REPORTING_AUTH_ISSUERS"}, row[1]) {
			continue // required, so they have no default
		}
		want := row[1] + "=" + strings.Replace(row[2], "1MiB", "1048576", 1) + "\n"
		if !strings.Contains(stdout, want) {
			t.Errorf("got no %s in:\n%s%s", want, stdout, stderr)
		}
	}
	slices.Sort(documented)
	if names := config.Names(); !slices.Equal(documented, names) {
		t.Errorf("docs/settings.md lists\n%q, the program has\n%q", documented, names)
	}
}

// The README's example is the published one.
func TestReadmeShowsThePublishedExchange(t *testing.T) {
	t.Parallel()
	wants(t, document(t, "README.md"), seedAnswer(t), api.SeedToken)
}
