// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"reporting/api"
	"reporting/internal/app"
	"reporting/internal/postgres/pgtest"
)

// programVar makes the test binary the program: nothing has to be built, and with
// -race the detector watches the program too.
const programVar = "TEST_RUN_AS_REPORTING"

func TestMain(m *testing.M) {
	if os.Getenv(programVar) != "" {
		main()
	}
	os.Exit(m.Run())
}

// program returns a command that runs the program, in an environment of its own.
func program(t *testing.T, environ []string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path, args...)
	command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), programVar + "=1"}, environ...)
	return command
}

// process is the program, running.
type process struct {
	*exec.Cmd
	base, ops string
	output    io.Closer   // the reading end of its output
	lines     chan string // of its output; closed at its end
}

var serving = regexp.MustCompile(`serving.*api"?[=:]"?(127\.0\.0\.1:\d+)"?.*operations"?[=:]"?(127\.0\.0\.1:\d+)`)

// spawn starts the program on free ports and waits until it listens.
func spawn(t *testing.T, temp string, environ []string, args ...string) *process {
	t.Helper()
	p := spawnQuiet(t, temp, environ, args...)
	p.listens(p.expect(t, serving))
	return p
}

// listens sets the addresses from the line that says them.
func (p *process) listens(match []string) {
	p.base, p.ops = "http://"+match[1]+"/fhir", "http://"+match[2]
}

// spawnQuiet starts the program and does not wait. temp is its folder for temporary files.
func spawnQuiet(t *testing.T, temp string, environ []string, args ...string) *process {
	t.Helper()
	environ = append([]string{"TMPDIR=" + temp, "REPORTING_LISTEN=127.0.0.1:0", "REPORTING_OPS_LISTEN=127.0.0.1:0"}, environ...)
	p := &process{Cmd: program(t, environ, args...), lines: make(chan string, 10_000)}
	output, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.Stderr, p.output = p.Stdout, output
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() })
	go func() {
		defer close(p.lines)
		for scanner := bufio.NewScanner(output); scanner.Scan(); {
			p.lines <- scanner.Text()
		}
	}()
	return p
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// expect reads the output until a line matches, and returns the match.
func (p *process) expect(t *testing.T, pattern *regexp.Regexp) []string {
	t.Helper()
	return p.expectAll(t, pattern)[0]
}

// expectAll reads the output until each pattern has matched a line, in any order.
func (p *process) expectAll(t *testing.T, patterns ...*regexp.Regexp) [][]string {
	t.Helper()
	matches := make([][]string, len(patterns))
	missing := len(patterns)
	var output strings.Builder
	deadline := time.After(60 * time.Second)
	for missing > 0 {
		select {
		case line, ok := <-p.lines:
			if !ok {
				t.Fatalf("the program ended; got output without %d of %v:\n%s", missing, patterns, &output)
			}
			output.WriteString(line + "\n")
			for n, pattern := range patterns {
				if match := pattern.FindStringSubmatch(line); match != nil && matches[n] == nil {
					matches[n] = match
					missing--
				}
			}
		case <-deadline:
			t.Fatalf("got output without %d of %v after a minute:\n%s", missing, patterns, &output)
		}
	}
	return matches
}

// ask posts the status operation.
func ask(ctx context.Context, base, token string) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/$get-report-job-status", strings.NewReader(`{"resourceType":"Parameters"}`))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/fhir+json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// SIGTERM under load: a balancer learns from /readyz that it should stop sending
// requests. Every request before that, and until the balancer acts, gets its response.
func TestTerminateUnderLoad(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped with -short: a shutdown delay of one second under load")
	}
	p := spawn(t, t.TempDir(), []string{
		"REPORTING_DATABASE_URL=" + pgtest.New(t).Reader, "REPORTING_AUTH=gateway", "REPORTING_SHUTDOWN_DELAY=1s", "REPORTING_USER_RATE=0",
	}, "serve")
	token := app.Token("u", "", nil, time.Time{})
	var answered atomic.Int64
	var signalled atomic.Bool
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for !signalled.Load() {
				status, body, err := ask(t.Context(), p.base, token)
				if err != nil || status != http.StatusOK {
					t.Errorf("got status %d %s, %v; want 200", status, body, err)
					return
				}
				answered.Add(1)
			}
		})
	}
	until(t, func() bool { return answered.Load() > 200 })
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return !ready(t, p.ops) })
	before := answered.Load()
	until(t, func() bool { return answered.Load() > before+100 }) // as long as a balancer takes to act
	signalled.Store(true)
	wg.Wait()
	if err := p.Wait(); err != nil {
		t.Errorf("exit: %v", err)
	}
}

// until polls a condition, and fails the test after twenty seconds.
func until(t *testing.T, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !happened(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the condition is still false after 20 s")
		}
	}
}

// ready reports whether /readyz says 200.
func ready(t *testing.T, ops string) bool {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, ops+"/readyz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	command := program(t, nil, "serve", "--auth=gateway", "--database-url=postgres://nobody@127.0.0.1:1/x",
		"--ops-listen=127.0.0.1:0", "--listen="+listener.Addr().String(), "--log-format=text")
	output, err := command.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != exitFailure {
		t.Errorf("got exit %v, want code %d", err, exitFailure)
	}
	wants(t, string(output), "is in use", "REPORTING_LISTEN")
}

// seedAnswer returns the published response.
func seedAnswer(t *testing.T) string {
	t.Helper()
	text, err := api.Example(api.StatusFailed)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The reader of the log and the audit records may close its pipe: the service stays,
// and counts the audit records that it cannot write.
func TestClosedPipes(t *testing.T) {
	t.Parallel()
	p := spawn(t, t.TempDir(), []string{"REPORTING_DATABASE_URL=" + pgtest.New(t).Reader, "REPORTING_AUTH=gateway"}, "serve")
	if err := p.output.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if status, body, err := ask(t.Context(), p.base, app.Token("u", "", nil, time.Time{})); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s %v", status, body, err)
		}
	}
	for range 100 {
		response, err := http.Get(p.ops + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("\nreporting_audit_failures_total 3\n")) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("got no reporting_audit_failures_total 3, want the lost records counted")
}
