// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
)

// part is something that is done to workers. Its function adds to the result what came of
// it; an error means that it could not be tried.
type part struct {
	name string
	play func(context.Context, *stage, *result) error
	slow bool // left out where there is little time
}

// parts are all of them, in the order of the report.
func parts() []part {
	list := []part{{name: "storm", play: storm}, {name: "throughput", play: throughput, slow: true}}
	for _, sc := range scenes() {
		list = append(list, part{name: sc.name, play: sc.play, slow: sc.slow})
	}
	return list
}

type options struct {
	program, version string
	report           string
	only             []string
	quick            bool
	jobs, kills      int // of the storm
	seed             uint64
}

// What a storm has unless flags say otherwise.
const (
	usualJobs, usualKills = 1000, 15
	quickJobs, quickKills = 150, 4
)

func readOptions(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("workers", flag.ContinueOnError)
	flags.StringVar(&o.program, "program", "", "the program under test")
	flags.StringVar(&o.version, "version", "unknown", "what git describe says about it")
	flags.StringVar(&o.report, "report", "", "file that gets the report; empty: only print it")
	flags.BoolVar(&o.quick, "quick", false, "a small storm, and not what takes long")
	flags.IntVar(&o.jobs, "jobs", 0, "jobs in the storm (0: 1000, quick 150)")
	flags.IntVar(&o.kills, "kills", 0, "workers killed in it at least (0: 15, quick 4)")
	flags.Uint64Var(&o.seed, "seed", 1, "says when which worker is killed")
	only := flags.String("only", "", "comma list of parts; empty: all. They are "+strings.Join(names(), ", "))
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	jobs, kills := usualJobs, usualKills
	if o.quick {
		jobs, kills = quickJobs, quickKills
	}
	if o.jobs == 0 {
		o.jobs = jobs
	}
	if o.kills == 0 {
		o.kills = kills
	}
	var problems []error
	if o.program == "" {
		problems = append(problems, errors.New("-program is needed"))
	}
	if flags.NArg() > 0 {
		problems = append(problems, errors.New("it takes flags only"))
	}
	for _, name := range o.only {
		if !slices.Contains(names(), name) {
			problems = append(problems, fmt.Errorf("there is no part %q", name))
		}
	}
	return o, errors.Join(problems...)
}

func names() []string {
	var list []string
	for _, p := range parts() {
		list = append(list, p.name)
	}
	return list
}

func (o *options) wants(p part) bool {
	if len(o.only) == 0 {
		return !p.slow || !o.quick
	}
	return slices.Contains(o.only, p.name)
}
