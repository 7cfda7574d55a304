// SPDX-License-Identifier: Apache-2.0

// Licenses names the licence of each module that ends up in a program, fails where
// one is not on the list, and writes all their texts into one file, which whoever
// passes the program on has to pass on with it.
//
// It is a module of its own, so that what it needs stays out of the program's go.mod.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// allowed are the licences that may be linked into a program under Apache-2.0 and
// passed on as long as their texts go along. The spelling is that of SPDX. MPL-2.0 asks
// besides that its files stay under it and can be had: modules are linked as they are,
// and the table names where they come from.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0"}

// platforms are those the program is passed on for. Which modules are linked depends
// on them; asking for all makes the file the same wherever it is written.
var platforms = []string{"linux/amd64", "linux/arm64"}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "licenses:", err)
		os.Exit(1)
	}
}

func run(args []string, table io.Writer) error {
	flags := flag.NewFlagSet("licenses", flag.ContinueOnError)
	dir := flags.String("C", ".", "folder of the main module")
	notices := flags.String("o", "", "file that gets the texts")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *notices == "" || flags.NArg() == 0 {
		return errors.New("usage: licenses [-C DIR] -o FILE PACKAGE…")
	}
	modules, err := linked(*dir, flags.Args())
	if err != nil {
		return err
	}
	var problems []error
	for _, m := range modules {
		if _, err := fmt.Fprintf(table, "%-52s %-38s %s\n", m.Path, m.Version, strings.Join(m.licences(), ", ")); err != nil {
			return err
		}
		problems = append(problems, m.problems()...)
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("allowed are %s:\n%w", strings.Join(allowed, ", "), err)
	}
	return write(*notices, modules)
}

// problems are what keeps a module out of the program.
func (m *linkedModule) problems() []error {
	var list []error
	for _, name := range m.bare {
		list = append(list, fmt.Errorf("%s %s: no licence covers the package %s", m.Path, m.Version, name))
	}
	for _, text := range m.texts {
		if !text.licence {
			continue
		}
		for _, id := range text.ids {
			if !slices.Contains(allowed, id) {
				list = append(list, fmt.Errorf("%s %s: %s has %s", m.Path, m.Version, text.name, id))
			}
		}
	}
	return list
}

// licences are those of a module, each once.
func (m *linkedModule) licences() []string {
	var ids []string
	for _, text := range m.texts {
		ids = append(ids, text.ids...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// write makes the file in one go, so that a failure leaves no half of it.
func write(name string, modules []*linkedModule) error {
	var all strings.Builder
	all.WriteString("This program contains the software listed here, under the terms that follow each name.\n")
	for _, m := range modules {
		for _, text := range m.texts {
			fmt.Fprintf(&all, "\n%s\n%s %s: %s\n\n%s\n", strings.Repeat("=", 80), m.Path, m.Version, text.name, strings.TrimSpace(text.content))
		}
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // everybody may read licences
		return err
	}
	temporary := name + ".new"
	if err := os.WriteFile(temporary, []byte(all.String()), 0o644); err != nil { //nolint:gosec // everybody may read licences
		return err
	}
	return os.Rename(temporary, name)
}
