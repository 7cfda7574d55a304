// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// errLocked means that a living process holds the folder.
var errLocked = errors.New("folder is in use by another process")

// lockFolder takes the exclusive lock of a folder. The kernel drops it when the last copy of the descriptor is
// closed, so it needs no file of its own and cannot be stale.
func lockFolder(path string) (*os.File, error) {
	// NOFOLLOW: a sweep by root must not be led elsewhere.
	dir, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		dir.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, fmt.Errorf("lock folder %s: %w", path, err)
	}
	return dir, nil
}

// awaitLock waits a moment for a predecessor that has been killed and is still shutting down.
func awaitLock(ctx context.Context, path string, patience time.Duration) (*os.File, error) {
	for deadline := time.Now().Add(patience); ; {
		dir, err := lockFolder(path)
		if !errors.Is(err, errLocked) || time.Now().After(deadline) {
			return dir, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// newLockedFolder makes a folder that no concurrent sweep can mistake for a stale one.
func newLockedFolder(root, prefix string) (string, *os.File, error) {
	for range 100 {
		path, err := os.MkdirTemp(root, prefix)
		if err != nil {
			return "", nil, fmt.Errorf("make temporary folder: %w", err)
		}
		dir, err := lockFolder(path)
		if err == nil {
			// A sweep may have come between making and locking. It removes only while it holds the lock, so the
			// folder is ours if it is still the one at this path.
			held, heldErr := dir.Stat()
			there, thereErr := os.Lstat(path)
			if heldErr == nil && thereErr == nil && os.SameFile(held, there) {
				return path, dir, nil
			}
			dir.Close()
			continue
		}
		if !errors.Is(err, errLocked) && !errors.Is(err, os.ErrNotExist) {
			return "", nil, errors.Join(err, os.RemoveAll(path))
		}
	}
	return "", nil, fmt.Errorf("make temporary folder in %s: others remove it at once", root)
}
