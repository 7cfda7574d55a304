// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// tempPrefix marks our temporary folders for a later sweep.
const tempPrefix = "reporting-pg-"

// The ways in which the supervisor gets a cluster.
const (
	initNone    = "none"
	initQuick   = "quick"
	initDurable = "durable"
)

// folders are the folders of one server, prepared and locked.
type folders struct {
	top    string // temporary folder that release removes; empty: both folders were given
	data   string
	socket string
	init   string
	user   *account
	locks  []*os.File
}

// tempRoots returns the folders that may contain our temporary folders, the preferred one first.
func tempRoots() []string {
	return slices.Compact([]string{filepath.Clean(os.TempDir()), "/tmp"})
}

// prepare creates and locks the folders. On an error it leaves nothing new.
func prepare(ctx context.Context, o Options, user *account) (_ *folders, err error) {
	f := &folders{data: o.DataDir, socket: o.SocketDir, init: initQuick, user: user}
	if err := checkSocket(f.socket); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.release())
		}
	}()
	if o.DataDir != "" {
		if err := f.prepareData(ctx); err != nil {
			return nil, fmt.Errorf("prepare data folder %s: %w", o.DataDir, err)
		}
	}
	if o.DataDir == "" || o.SocketDir == "" {
		if err := f.prepareTemp(); err != nil {
			return nil, err
		}
	}
	if o.SocketDir != "" {
		if err := f.prepareSocket(); err != nil {
			return nil, fmt.Errorf("prepare socket folder %s: %w", o.SocketDir, err)
		}
	}
	return f, nil
}

func (f *folders) prepareTemp() error {
	var reasons []error
	for _, root := range tempRoots() {
		// A name longer than any that MkdirTemp creates.
		if err := checkSocket(filepath.Join(root, tempPrefix+"4294967295", "s")); err != nil {
			reasons = append(reasons, err)
			continue
		}
		info, err := os.Stat(root)
		if err == nil && !f.user.may(info, 3) {
			err = fmt.Errorf("folder %s is not writable for user %s", root, f.user.name)
		}
		if err = errors.Join(err, f.user.reach(root)); err != nil {
			reasons = append(reasons, err)
			continue
		}
		top, lock, err := newLockedFolder(root, tempPrefix)
		if err != nil {
			reasons = append(reasons, err)
			continue
		}
		f.top, f.locks = top, append(f.locks, lock)
		// The supervisor removes the folder without our help, so its account must own it.
		err = f.user.give(top)
		for _, place := range []struct {
			path *string
			name string
		}{{&f.data, "data"}, {&f.socket, "s"}} {
			if *place.path == "" && err == nil {
				*place.path = filepath.Join(top, place.name)
				err = errors.Join(os.Mkdir(*place.path, 0o700), f.user.give(*place.path))
			}
		}
		if err != nil {
			return fmt.Errorf("make temporary folder: %w", err)
		}
		return nil
	}
	return fmt.Errorf("no usable temporary folder (see TMPDIR): %w", errors.Join(reasons...))
}

func (f *folders) prepareSocket() error {
	if err := f.user.makePrivate(f.socket); err != nil {
		return err
	}
	entries, err := os.ReadDir(f.socket)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		// Only an empty folder may change its owner: a caller could name /tmp.
		return errors.Join(f.user.give(f.socket), os.Chmod(f.socket, 0o700))
	}
	info, err := os.Stat(f.socket)
	if err == nil && !f.user.may(info, 3) {
		err = fmt.Errorf("user %s may not write there: give an empty folder", f.user.name)
	}
	return err
}

// checkSocket refuses a path with a comma and a path that is too long for a socket address. The
// error of Postgres for these would come late and only in its log.
func checkSocket(dir string) error {
	if strings.Contains(dir, ",") {
		return fmt.Errorf("socket folder %s holds a comma, which separates hosts in a connection string: choose another folder", dir)
	}
	limit := 103
	if runtime.GOOS == "linux" {
		limit = 107
	}
	if path := filepath.Join(dir, ".s.PGSQL."+port); len(path) > limit {
		return fmt.Errorf("socket path %s has %d bytes, the system allows %d: choose a shorter folder", path, len(path), limit)
	}
	return nil
}

// release removes the temporary folder and then releases the locks. In this order no sweep
// interferes.
func (f *folders) release() error {
	var err error
	if f.top != "" {
		// Children of a killed postmaster may still write for a moment.
		for range 20 {
			if err = os.RemoveAll(f.top); err == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	for _, lock := range f.locks {
		lock.Close()
	}
	f.locks = nil
	if err != nil {
		return fmt.Errorf("remove temporary folder: %w", err)
	}
	return nil
}
