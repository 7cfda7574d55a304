// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the service, built as it ships.
var program string

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == jailArgument {
		jailed(os.Args[2:]) // this very program, run again to become the service
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "deploy")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "reporting")
	if err := build("../..", program); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// build makes the program of the sources in a folder, as the Makefile and the Dockerfile do.
func build(sources, out string) error {
	command := exec.Command("go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X main.version=v1.2.3 -X main.commit=abc -X main.date=2026-01-02T03:04:05Z", "-o", out, "./cmd/reporting")
	command.Dir = sources
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w: %s", err, output)
	}
	return nil
}

// accepts tells whether the program starts with just these settings, by having it print
// them.
func accepts(t *testing.T, environ []string) {
	t.Helper()
	acceptsAs(t, "serve", environ)
}

func acceptsAs(t *testing.T, name string, environ []string) {
	t.Helper()
	command := exec.Command(program, name, "--print-config")
	command.Env = environ
	var stderr bytes.Buffer
	command.Stderr = &stderr
	if err := command.Run(); err != nil {
		t.Errorf("the program does not take its settings: %v: %s", err, stderr.Bytes())
	}
}

// deployed is a file below deploy/.
func deployed(name string) string { return filepath.Join("..", "..", "deploy", name) }

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// exists tells whether something is in the sources.
func exists(t *testing.T, name string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join("..", "..", name)); err != nil {
		t.Error(err)
	}
}
