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
	// Set before done is closed, read after.
	exit    error
	cleanup error
}

// startLimit bounds the wait for a server that neither answers nor ends. Fetching the programs is not part of it.
const startLimit = 2 * time.Minute

// Start starts a server and returns when it answers queries. The context is for starting only: its end does not
// stop a server that has started.
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
		patience: 7 * time.Second, // the postmaster takes up to five
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

// wait sees the supervisor end and does its work if it could not.
func (s *Server) wait(f *folders) {
	s.exit = s.cmd.Wait()
	_ = s.close() // whoever killed the shell left its watcher, which still stops postgres
	s.cleanup = errors.Join(stopRest(f.data, syscall.SIGINT), f.release())
	close(s.done)
}

// URL is a connection string for pgx over the unix socket. The superuser is "postgres", and a database of that name
// exists. It leaves nothing to PG* variables that could lead elsewhere.
func (s *Server) URL(user, database string) string {
	query := url.Values{"host": {s.socket}, "port": {port}, "sslmode": {"disable"}, "target_session_attrs": {"any"}}.Encode()
	u := url.URL{
		Scheme: "postgres",
		User:   url.User(user),
		Path:   "/" + database,
		// libpq and pgx take a plus sign for itself, not for a blank.
		RawQuery: strings.ReplaceAll(query, "+", "%20"),
	}
	return u.String()
}

// Done is closed when Postgres has ended, for whatever reason, and its temporary folders are gone.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop shuts Postgres down: transactions are rolled back and connections closed. When the context ends first it
// kills. It removes the temporary folders, and may be called again and after a crash.
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

// Kill ends Postgres and its children at once and without a checkpoint, as a crash does, and returns when they are
// gone. A given DataDir stays, and the next start recovers it.
func (s *Server) Kill() error {
	group := -s.cmd.Process.Pid // the shell, its watcher and the postmaster
	for _, step := range []func() error{
		func() error {
			// The postmaster kills its children itself on SIGQUIT, with force after five seconds. They are in
			// sessions of their own and would outlive a SIGKILL to the group. The shell ignores it and cleans up.
			err := syscall.Kill(group, syscall.SIGQUIT)
			// A postmaster that does not listen yet misses the signal; the watcher repeats its own.
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
