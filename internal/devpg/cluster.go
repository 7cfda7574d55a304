// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// halfMade is the folder in which initdb works. Next to a PG_VERSION it is a leftover; without
// one the whole folder is.
const halfMade = ".initdb"

// clusterMajor is the major version of the cluster in a folder, 0 when there is none.
func clusterMajor(dir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dir, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read cluster version: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read cluster version in %s: %w", dir, err)
	}
	return major, nil
}

// prepareData locks a kept data folder and checks whether it needs initdb.
func (f *folders) prepareData(ctx context.Context) error {
	if err := f.user.makePrivate(f.data); err != nil {
		return err
	}
	path, err := filepath.EvalSymlinks(f.data)
	if err != nil {
		return err
	}
	f.data = path
	// The supervisor of a killed process holds the lock until Postgres has stopped, which takes
	// milliseconds.
	lock, err := awaitLock(ctx, f.data, 2*time.Second)
	if err != nil {
		return err
	}
	f.locks = append(f.locks, lock)
	major, err := clusterMajor(f.data)
	if err != nil {
		return err
	}
	if major > 0 {
		f.init = initNone
		if err := os.RemoveAll(filepath.Join(f.data, halfMade)); err != nil {
			return err
		}
		return f.adopt()
	}
	f.init = initDurable
	if err := f.empty(); err != nil {
		return err
	}
	return errors.Join(os.Chmod(f.data, 0o700), f.user.give(f.data))
}

// empty removes the leftover of a killed initdb and refuses any other content.
func (f *folders) empty() error {
	entries, err := os.ReadDir(f.data)
	if err != nil || len(entries) == 0 {
		return err
	}
	if _, err := os.Lstat(filepath.Join(f.data, halfMade)); err != nil {
		return fmt.Errorf("neither empty nor a PostgreSQL cluster (it holds %s): give another folder", entries[0].Name())
	}
	for _, entry := range entries {
		if entry.Name() == halfMade {
			continue // removed last, because it marks the rest as ours
		}
		if err := os.RemoveAll(filepath.Join(f.data, entry.Name())); err != nil {
			return err
		}
	}
	return os.RemoveAll(filepath.Join(f.data, halfMade))
}

// adopt chooses the account for an existing cluster: its owner, because Postgres must own its
// data. So starts with and without root can alternate. A cluster that root owns, such as a
// copied volume, is given to the account.
func (f *folders) adopt() error {
	if f.user == nil {
		return nil
	}
	info, err := os.Stat(filepath.Join(f.data, "PG_VERSION"))
	if err != nil {
		return err
	}
	if owner := ownerOf(info); owner.uid != 0 {
		f.user = owner
		return nil
	}
	return filepath.WalkDir(f.data, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return f.user.give(path)
	})
}
