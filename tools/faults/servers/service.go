// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Service is the program under test.
type Service struct {
	Addr, OpsAddr string
	program       string
	command       string // of the program
	env           []string
	process       *process
}

// NewService starts one with settings of its own (NAME=value) on free ports. It does not
// wait until the service is ready.
func NewService(program string, settings ...string) (*Service, error) {
	return newService(program, "serve", settings)
}

// NewWorker is NewService for a process that makes reports and serves nobody.
func NewWorker(program string, settings ...string) (*Service, error) {
	return newService(program, "worker", settings)
}

func newService(program, command string, settings []string) (*Service, error) {
	api, err := FreePort()
	if err != nil {
		return nil, err
	}
	ops, err := FreePort()
	if err != nil {
		return nil, err
	}
	s := &Service{Addr: addr(api), OpsAddr: addr(ops), program: program, command: command}
	s.env = append([]string{
		"PATH=" + os.Getenv("PATH"), "REPORTING_LISTEN=" + s.Addr, "REPORTING_OPS_LISTEN=" + s.OpsAddr,
		"REPORTING_AUDIT_LOG=off", "REPORTING_LOG_LEVEL=warn", "REPORTING_SHUTDOWN_DELAY=0s",
	}, settings...)
	return s, s.Start()
}

// Start starts it where it was before.
func (s *Service) Start() (err error) {
	cmd := exec.Command(s.program, s.command) //nolint:noctx,gosec // the program under test; it ends when it is told to
	cmd.Env = s.env
	s.process, err = begin("reporting "+s.command, cmd, syscall.SIGTERM)
	return err
}

// Migrate runs "reporting migrate" on a database.
func Migrate(ctx context.Context, program, database string) error {
	cmd := exec.CommandContext(ctx, program, "migrate")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "REPORTING_DATABASE_URL=" + database}
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("migrate: %w: %s", err, said)
	}
	return nil
}

// Readiness is what /readyz answers. An error means that nobody did.
func (s *Service) Readiness(ctx context.Context) (ready bool, reasons string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.OpsAddr+"/readyz", nil)
	if err != nil {
		return false, "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, "", fmt.Errorf("ask whether it is ready: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Ready  bool
		Reason string
		Checks []struct{ Reason string }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return false, "", fmt.Errorf("read whether it is ready: %w", err)
	}
	list := []string{answer.Reason}
	for _, check := range answer.Checks {
		list = append(list, check.Reason)
	}
	if answer.Ready != (response.StatusCode == http.StatusOK) {
		return false, "", fmt.Errorf("it says ready %v with status %d", answer.Ready, response.StatusCode)
	}
	return answer.Ready, strings.TrimSpace(strings.Join(list, " ")), nil
}

// AwaitReady waits until it is ready.
func (s *Service) AwaitReady(ctx context.Context) error { return s.await(ctx, true, "") }

// AwaitNotReady waits until it is not, for a reason that holds the given words.
func (s *Service) AwaitNotReady(ctx context.Context, words string) error {
	return s.await(ctx, false, words)
}

func (s *Service) await(ctx context.Context, want bool, words string) error {
	return s.process.await(ctx, func(ctx context.Context) error {
		ready, reasons, err := s.Readiness(ctx)
		if err == nil && (ready != want || !strings.Contains(reasons, words)) {
			err = fmt.Errorf("ready is %v (%q), wanted %v %q", ready, reasons, want, words)
		}
		return err
	})
}

// Log is the end of what it logged.
func (s *Service) Log() string { return s.process.said.String() }

// Stop ends it in order: that it does not is an error, as is another exit code than 0.
func (s *Service) Stop() error {
	if s == nil {
		return nil
	}
	if err := s.process.end(syscall.SIGTERM); err != nil {
		return err
	}
	if s.process.err != nil {
		return fmt.Errorf("%s ended with %w: %s", s.process.name, s.process.err, s.process.said)
	}
	return nil
}

// Kill ends it as a crash does.
func (s *Service) Kill() error { return s.process.end(syscall.SIGKILL) }

// Freeze halts it (SIGSTOP): its connections stay, and it does nothing.
func (s *Service) Freeze() error { return s.signal(syscall.SIGSTOP) }

// Thaw lets it go on.
func (s *Service) Thaw() error { return s.signal(syscall.SIGCONT) }

func (s *Service) signal(signal syscall.Signal) error {
	if err := s.process.cmd.Process.Signal(signal); err != nil {
		return fmt.Errorf("signal %s: %w", s.process.name, err)
	}
	return nil
}

// Metrics is what /metrics answers.
func (s *Service) Metrics(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.OpsAddr+"/metrics", nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("ask for metrics: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return "", fmt.Errorf("read metrics: %w", err)
	}
	return string(text), nil
}

// PID is its process id.
func (s *Service) PID() int { return s.process.cmd.Process.Pid }
