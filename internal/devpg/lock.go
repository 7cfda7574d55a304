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

// lockFolder takes the exclusive lock of a folder. The kernel releases it when the last
// descriptor is closed, so it needs no file and cannot be stale.
func lockFolder(path string) (*os.File, error) {
	// NOFOLLOW keeps a sweep by root in its folder.
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

// awaitLock waits a moment for a killed predecessor that still shuts down.
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

// newLockedFolder creates a folder that a concurrent sweep does not take for a stale one.
func newLockedFolder(root, prefix string) (string, *os.File, error) {
	for range 100 {
		path, err := os.MkdirTemp(root, prefix)
		if err != nil {
			return "", nil, fmt.Errorf("make temporary folder: %w", err)
		}
		dir, err := lockFolder(path)
		if err == nil {
			// A sweep may have run between the creation and the lock. It removes a folder only
			// while it holds the lock, so the folder is ours if it still exists at this path.
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
	return "", nil, fmt.Errorf("make temporary folder in %s: other processes remove it", root)
}
