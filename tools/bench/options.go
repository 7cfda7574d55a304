// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// part is a section of the report.
type part struct {
	name string
	run  func(*bench, context.Context) error
}

// parts returns all parts in the order of the report.
func parts() []part {
	return []part{
		{"compare", withService((*bench).compare)},
		{"growth", withService((*bench).growth)},
		{"stream", (*bench).stream},
		{"idle", withService((*bench).idle)},
		{"start", (*bench).start},
		{"overload", withService((*bench).overload)},
		{"slow", withService((*bench).slow)},
		{"reports", (*bench).reports},
	}
}

type options struct {
	program, version   string
	report, plot       string
	rounds             int
	time               time.Duration
	users, growUsers   int
	fresh              int
	streamJobs         int
	connections, crowd int
	idlers, slowers    int
	episodes, exported int
	bufferMB           int
	only               []string
	args               []string // as given
}

// jobsEach is the number of jobs of an ordinary user.
const jobsEach = 20

func readOptions(args []string) (options, error) {
	o := options{args: args}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.program, "program", "", "the program under test")
	flags.StringVar(&o.version, "version", "unknown", "what git describe says about it")
	flags.StringVar(&o.report, "report", "", "file that gets the report; empty: only print it")
	flags.StringVar(&o.plot, "plot", "", "file that gets the plot of the overload; empty: none")
	flags.IntVar(&o.rounds, "rounds", 7, "rounds of the comparison")
	flags.DurationVar(&o.time, "time", 5*time.Second, "length of a turn, in whole seconds")
	flags.IntVar(&o.users, "users", 10_000, fmt.Sprintf("users with %d jobs each", jobsEach))
	flags.IntVar(&o.growUsers, "grow", 500_000, "users of the large table")
	flags.IntVar(&o.fresh, "fresh", 10_000, "new tokens of a turn with those")
	flags.IntVar(&o.streamJobs, "stream", 100_000, "jobs of the user with a long list")
	flags.IntVar(&o.connections, "connections", 128, "connections of the closed loop")
	flags.IntVar(&o.crowd, "crowd", 1024, "connections of the overload")
	flags.IntVar(&o.idlers, "idle", 1000, "idle connections")
	flags.IntVar(&o.slowers, "slow", 1000, "slow readers")
	flags.IntVar(&o.episodes, "episodes", 10_000_000, "made-up episodes of a report; the first one has a tenth")
	flags.IntVar(&o.exported, "exported", 1_000_000, "episodes in files")
	flags.IntVar(&o.bufferMB, "buffers", 0, "shared_buffers of Postgres in MB; 0: what the tables need, if there is so much")
	only := flags.String("only", "", "comma list of parts: "+strings.Join(partNames(), ", ")+"; empty: all")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	return o, o.check(flags.NArg())
}

func partNames() []string {
	var names []string
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return names
}

// check returns all problems of the options.
func (o *options) check(rest int) error {
	var problems []error
	if o.program == "" {
		problems = append(problems, errors.New("-program is needed"))
	}
	if rest > 0 {
		problems = append(problems, errors.New("it takes flags only"))
	}
	if o.time < time.Second || o.time%time.Second != 0 {
		problems = append(problems, errors.New("-time takes whole seconds, as pgbench does"))
	}
	const fewest = 100
	if o.users < fewest || o.growUsers <= o.users || o.growUsers >= streamUser {
		problems = append(problems, fmt.Errorf("-users has to be at least %d, and -grow more than that and less than %d", fewest, streamUser))
	}
	for name, value := range map[string]int{
		"rounds": o.rounds, "fresh": o.fresh, "stream": o.streamJobs, "connections": o.connections, "crowd": o.crowd, "idle": o.idlers, "slow": o.slowers,
		"episodes": o.episodes / 10, "exported": o.exported,
	} {
		if value < 1 {
			problems = append(problems, fmt.Errorf("-%s has to be at least 1", name))
		}
	}
	for _, name := range o.only {
		if !slices.Contains(partNames(), name) {
			problems = append(problems, fmt.Errorf("there is no part %q", name))
		}
	}
	return errors.Join(problems...)
}

func (o *options) wants(part string) bool { return len(o.only) == 0 || slices.Contains(o.only, part) }

// shown returns the command without folders, which belong to one machine.
func (o *options) shown() string {
	var words []string
	for _, arg := range o.args {
		name, value, assigned := strings.Cut(arg, "=")
		switch {
		case assigned && strings.ContainsRune(value, filepath.Separator):
			arg = name + "=" + filepath.Base(value)
		case strings.ContainsRune(arg, filepath.Separator):
			arg = filepath.Base(arg)
		}
		words = append(words, arg)
	}
	return "bench " + strings.Join(words, " ")
}
