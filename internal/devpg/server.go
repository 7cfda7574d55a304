// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Server is a running PostgreSQL that belongs to this process.
type Server struct {
	data     string
	socket   string
	nonce    string
	log      *slog.Logger
	out      *tail
	cmd      *exec.Cmd
	patience time.Duration // between the steps of Kill

	close func() error // of the supervisor's pipe, once
	done  chan struct{}
	// Set before done is closed.
	exit    error
	cleanup error
}

// startLimit limits the wait for a server that neither answers nor ends. It does not include a
// download.
const startLimit = 2 * time.Minute

// Start starts a server and returns when it answers queries. ctx is for the start only: its end
// does not stop a running server.
func Start(ctx context.Context, o Options) (*Server, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	s, err := start(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	return s, nil
}

func start(ctx context.Context, o Options) (*Server, error) {
	user, err := unprivileged()
	if err != nil {
		return nil, err
	}
	for _, root := range tempRoots() {
		sweep(root, tempPrefix, user, o.Log)
	}
	want := 0
	if o.DataDir != "" {
		if want, err = clusterMajor(o.DataDir); err != nil {
			return nil, err
		}
	}
	bin, err := thisMachine(user).locate(ctx, o.BinDir, want, o.Log)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("no answer within %v", startLimit))
	defer cancel()
	f, err := prepare(ctx, o, user)
	if err != nil {
		return nil, err
	}
	s := &Server{
		data:     f.data,
		socket:   f.socket,
		nonce:    "reporting-" + rand.Text(),
		log:      o.Log,
		out:      &tail{log: o.Log},
		patience: 7 * time.Second, // the postmaster needs up to five seconds
		done:     make(chan struct{}),
	}
	cmd, owner, err := supervisor(f, bin, o.arguments(f, s.nonce), s.out)
	if err != nil {
		return nil, errors.Join(err, f.release())
	}
	s.cmd, s.close = cmd, sync.OnceValue(owner.Close)
	go s.wait(f)
	if err := s.await(ctx); err != nil {
		return nil, errors.Join(err, s.Kill())
	}
	s.log.Debug("postgres started", "programs", bin.dir, "data", f.data, "took", time.Since(began))
	return s, nil
}

// wait waits for the end of the supervisor and does its work if the supervisor could not.
func (s *Server) wait(f *folders) {
	s.exit = s.cmd.Wait()
	_ = s.close() // if the shell was killed, its watcher stops postgres
	s.cleanup = errors.Join(stopRest(f.data, syscall.SIGINT), f.release())
	close(s.done)
}

// URL returns a connection string for the unix socket. The superuser is "postgres", and a
// database of that name exists. PG* variables have no effect on it.
func (s *Server) URL(user, database string) string {
	query := url.Values{"host": {s.socket}, "port": {port}, "sslmode": {"disable"}, "target_session_attrs": {"any"}}.Encode()
	u := url.URL{
		Scheme: "postgres",
		User:   url.User(user),
		Path:   "/" + database,
		// libpq and pgx decode no plus sign in a query.
		RawQuery: strings.ReplaceAll(query, "+", "%20"),
	}
	return u.String()
}

// Done returns a channel that is closed when Postgres has ended and its temporary folders are
// removed.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop shuts Postgres down: it rolls transactions back and closes connections. When ctx ends
// first, it kills Postgres. It removes the temporary folders. It may be called again, and after
// a crash.
func (s *Server) Stop(ctx context.Context) error {
	_ = s.close()
	select {
	case <-s.done:
	case <-ctx.Done():
		if err := errors.Join(fmt.Errorf("stop postgres: %w", context.Cause(ctx)), s.Kill()); err != nil {
			return err
		}
	}
	if s.cleanup != nil {
		return fmt.Errorf("stop postgres: %w", s.cleanup)
	}
	return nil
}

// Kill ends Postgres and its children at once and without a checkpoint, as a crash does, and
// returns when they are gone. A given DataDir stays, and the next start recovers it.
func (s *Server) Kill() error {
	group := -s.cmd.Process.Pid // the shell, its watcher and the postmaster
	for _, step := range []func() error{
		func() error {
			// On SIGQUIT the postmaster kills its children, with force after five seconds. They
			// have sessions of their own and would outlive a SIGKILL to the group. The shell
			// ignores SIGQUIT and cleans up.
			err := syscall.Kill(group, syscall.SIGQUIT)
			// A postmaster that does not listen yet misses the signal. The watcher sends its
			// own.
			return errors.Join(err, s.close())
		},
		func() error { return stopRest(s.data, syscall.SIGKILL) },
		func() error { return syscall.Kill(group, syscall.SIGKILL) },
	} {
		select {
		case <-s.done:
			return nil
		default:
		}
		if err := step(); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("kill postgres: %w", err)
		}
		select {
		case <-s.done:
			return nil
		case <-time.After(s.patience):
		}
	}
	return fmt.Errorf("kill postgres: %w", os.ErrDeadlineExceeded)
}
