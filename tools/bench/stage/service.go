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
	cmd           *exec.Cmd
	files         []*os.File
	ended         chan error
}

// StartService starts the program with the settings of a production, its log and its
// audit records going to files in dir, and waits until it is ready.
func StartService(ctx context.Context, program, dir, database, issuer string, more ...string) (s *Service, err error) {
	s = &Service{ended: make(chan error, 1)}
	if s.Addr, err = freeAddr(); err != nil {
		return nil, err
	}
	if s.OpsAddr, err = freeAddr(); err != nil {
		return nil, err
	}
	s.cmd = exec.Command(program, "serve")
	s.cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"),
		"REPORTING_LISTEN=" + s.Addr, "REPORTING_OPS_LISTEN=" + s.OpsAddr,
		"REPORTING_DATABASE_URL=" + database, "REPORTING_AUTH_ISSUERS=" + issuer, "REPORTING_SHUTDOWN_DELAY=0s",
	}, more...)
	for _, name := range []string{"audit.log", "service.log"} {
		file, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("make a log: %w", err)
		}
		s.files = append(s.files, file)
	}
	s.cmd.Stdout, s.cmd.Stderr = s.files[0], s.files[1]
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the service: %w", err)
	}
	go func() { s.ended <- s.cmd.Wait() }()
	if err := s.ready(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// ready waits until the service says so.
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
			return fmt.Errorf("the service ended: %w (see its log)", err)
		case <-ctx.Done():
			return errors.New("the service did not get ready: see its log")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// PID is its process id.
func (s *Service) PID() int { return s.cmd.Process.Pid }

// Stop ends it in order.
func (s *Service) Stop() error {
	defer func() {
		for _, file := range s.files {
			_ = file.Close()
		}
	}()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.ended:
		return err
	case <-time.After(30 * time.Second):
		return errors.Join(errors.New("the service did not stop"), s.cmd.Process.Kill())
	}
}

// freeAddr is an address that nobody listens on. Somebody else might take it before
// the service does, which then says so.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}
