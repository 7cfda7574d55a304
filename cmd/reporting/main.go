// SPDX-License-Identifier: Apache-2.0

// Command reporting is a FHIR R4 service with which users order reports, follow their
// jobs and fetch the results. "reporting --help" lists its subcommands.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	_ "time/tzdata" // for systems without time zones, such as the image

	"github.com/alecthomas/kong"

	"reporting/internal/config"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // the command failed
	exitUsage   = 2 // the command line or a setting is invalid
)

// gcPercent is the garbage collection target unless GOGC is set. The live heap is about
// 10 MB; 200 takes 20 MB more than the default and saves 5 % of the processor time.
const gcPercent = 200

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal begins an orderly stop; a second one ends the process at once.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command is a subcommand.
type command interface {
	// check validates the settings; the error lists all problems.
	check() error
	// run does the work until ctx ends.
	run(ctx context.Context, stdout, stderr io.Writer) error
}

// tolerant is a command that runs with invalid settings and reports their problems itself.
type tolerant interface{ tolerate(problems error) }

func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	chosen, err := parse(args, environ, stdout, stderr)
	if errors.Is(err, errHelp) {
		return exitOK
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "reporting: %v\n", err)
		return exitUsage
	}
	if err := chosen.run(ctx, stdout, stderr); err != nil {
		_, _ = fmt.Fprintf(stderr, "reporting: %v\n", err)
		return exitFailure
	}
	return exitOK
}

// errHelp means that help was requested and printed.
var errHelp = errors.New("help")

// parse finds the subcommand and validates the command line, the settings and the
// names of environment variables, before anything starts.
func parse(args, environ []string, stdout, stderr io.Writer) (chosen command, err error) {
	var commands cli
	defer func() {
		if p := recover(); p == errHelp { //nolint:errorlint // thrown below, by identity
			err = errHelp
		} else if p != nil {
			panic(p)
		}
	}()
	parser, err := kong.New(&commands, kong.Name("reporting"),
		kong.Description("A FHIR R4 service with which users order reports and follow their jobs."),
		kong.Writers(stdout, stderr), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		// Kong calls this after printing help, and continues if it returns.
		kong.Exit(func(int) { panic(errHelp) }))
	if err != nil {
		return nil, fmt.Errorf("read command line: %w", err)
	}
	parsed, usage := parser.Parse(args)
	if usage != nil {
		// Without the unknown flags, the settings can be validated.
		parsed, err = parser.Parse(known(parser, args))
		if err != nil {
			return nil, config.Join(usage, config.CheckEnvironment(environ))
		}
	}
	if parsed != nil && parsed.Selected() != nil {
		chosen, _ = reflect.TypeAssert[command](parsed.Selected().Target.Addr())
	}
	problems := []error{usage, config.CheckEnvironment(environ)}
	if chosen != nil {
		problems = append(problems, chosen.check())
	}
	problem := config.Join(problems...)
	if patient, ok := chosen.(tolerant); ok && usage == nil && problem != nil {
		patient.tolerate(problem)
		return chosen, nil
	}
	return chosen, problem
}

// known removes flags that no command has.
func known(parser *kong.Kong, args []string) []string {
	var names []string
	for _, node := range append(parser.Model.Children, parser.Model.Node) {
		for _, flag := range node.Flags {
			names = append(names, "--"+flag.Name)
		}
	}
	return slices.DeleteFunc(slices.Clone(args), func(arg string) bool {
		name, _, _ := strings.Cut(arg, "=")
		return strings.HasPrefix(name, "-") && !slices.Contains(names, name)
	})
}
