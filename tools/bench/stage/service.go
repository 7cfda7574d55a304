// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Service is the program under test.
type Service struct {
	Addr, OpsAddr string
	Ready         time.Duration // time from its start to readiness
	cmd           *exec.Cmd
	files         []*os.File
	ended         chan error // receives the result of the process, once
}

// StartService starts the program with production settings, with log and audit records in files
// in dir, and waits until it is ready.
func StartService(ctx context.Context, program, dir, database, issuer string, more ...string) (*Service, error) {
	addr, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	ops, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	s := &Service{Addr: addr, OpsAddr: ops}
	return s, s.start(ctx, dir, program, "serve", append([]string{
		"REPORTING_LISTEN=" + s.Addr, "REPORTING_DATABASE_URL=" + database, "REPORTING_AUTH_ISSUERS=" + issuer,
	}, more...))
}

// StartWorker starts the program as a worker process with its metrics at an address.
func StartWorker(ctx context.Context, program, dir, database, ops string, more ...string) (*Service, error) {
	s := &Service{OpsAddr: ops}
	return s, s.start(ctx, dir, program, "worker", append([]string{"REPORTING_WORKER_DATABASE_URL=" + database}, more...))
}

func (s *Service) start(ctx context.Context, dir, program, command string, settings []string) error {
	s.ended = make(chan error, 1)
	s.cmd = exec.Command(program, command) //nolint:noctx,gosec // the program under test; Stop ends it in order
	s.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "REPORTING_OPS_LISTEN=" + s.OpsAddr, "REPORTING_SHUTDOWN_DELAY=0s"}, settings...)
	s.cmd.SysProcAttr = diesWithUs()
	if err := s.openLogs(dir); err != nil {
		return err
	}
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		s.closeLogs()
		return fmt.Errorf("start the service: %w", err)
	}
	go func() {
		s.ended <- s.cmd.Wait()
		close(s.ended)
	}()
	if err := s.ready(ctx); err != nil {
		return errors.Join(err, s.Stop())
	}
	s.Ready = time.Since(begin)
	return nil
}

// openLogs creates files for the output of the service, as in production.
func (s *Service) openLogs(dir string) error {
	for _, name := range []string{"audit.log", "service.log"} {
		file, err := os.Create(filepath.Join(dir, name)) //nolint:gosec // in a folder of ours
		if err != nil {
			s.closeLogs()
			return fmt.Errorf("make a log: %w", err)
		}
		s.files = append(s.files, file)
	}
	s.cmd.Stdout, s.cmd.Stderr = s.files[0], s.files[1]
	return nil
}

func (s *Service) closeLogs() {
	for _, file := range s.files {
		_ = file.Close()
	}
}

// ready waits until the service is ready.
func (s *Service) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.OpsAddr+"/readyz", nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-s.ended:
			return fmt.Errorf("the service ended before it was ready (%w): %s", err, s.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("the service did not get ready (%w): %s", ctx.Err(), s.lastWords())
		case <-time.After(time.Millisecond):
		}
	}
}

// lastWords returns the end of its log.
func (s *Service) lastWords() string {
	text, err := os.ReadFile(s.files[1].Name())
	if err != nil {
		return err.Error()
	}
	const enough = 1000
	return string(text[max(0, len(text)-enough):])
}

// PID returns the process id.
func (s *Service) PID() int { return s.cmd.Process.Pid }

// Stop stops the process gracefully.
func (s *Service) Stop() error {
	defer s.closeLogs()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.ended:
		return err
	case <-time.After(30 * time.Second):
		err := errors.Join(errors.New("the service did not stop"), s.cmd.Process.Kill())
		<-s.ended //nolint:errcheck // it was killed
		return err
	}
}

// FreeAddr returns a free address. Another process could take it before the service does.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed at once
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}
