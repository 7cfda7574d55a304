// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
)

// fault is one that is tried. Its function tells what came of it; an error means that it
// could not be tried at all.
type fault struct {
	name string
	meet func(*scene) error
	// extra faults need more than a Debian machine has, and are tried when they are named.
	extra bool
}

// faults are all of them, in the order of the report.
func faults() []fault {
	return slices.Concat(databaseFaults(), keyFaults(), processFaults(), poolerFaults(), scaleFaults())
}

type options struct {
	program, version string
	report           string
	newPooler        string
	only             []string
	quick            bool
}

func readOptions(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	flags.StringVar(&o.program, "program", "", "the program under test")
	flags.StringVar(&o.version, "version", "unknown", "what git describe says about it")
	flags.StringVar(&o.report, "report", "", "file that gets the report; empty: only print it")
	flags.StringVar(&o.newPooler, "pgbouncer", "", "folder with a Debian system that has a newer PgBouncer, for pgbouncer-new")
	flags.BoolVar(&o.quick, "quick", false, "try fewer ways in which a key server is of no use, and all for less time")
	only := flags.String("only", "", "comma list of faults, or of beginnings of their names; empty: all. They are "+strings.Join(names(), ", "))
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	var problems []error
	if o.program == "" {
		problems = append(problems, errors.New("-program is needed"))
	}
	if flags.NArg() > 0 {
		problems = append(problems, errors.New("it takes flags only"))
	}
	for _, name := range o.only {
		if !slices.ContainsFunc(names(), func(full string) bool { return strings.HasPrefix(full, name) }) {
			problems = append(problems, fmt.Errorf("no fault begins with %q", name))
		}
	}
	return o, errors.Join(problems...)
}

func names() []string {
	var list []string
	for _, f := range faults() {
		list = append(list, f.name)
	}
	return list
}

func (o *options) wants(f fault) bool {
	if len(o.only) == 0 {
		return !f.extra
	}
	return slices.ContainsFunc(o.only, func(name string) bool { return strings.HasPrefix(f.name, name) })
}
