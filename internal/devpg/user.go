// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the user that Postgres runs as, because it refuses root. A nil account is our own
// user.
type account struct {
	name     string
	uid, gid uint32
}

// unprivileged returns the account for a root process, and nil otherwise.
func unprivileged() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // a nil account is our own user
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return nil, fmt.Errorf("read user %s: %w", name, err)
		}
		return &account{name, uint32(uid), uint32(gid)}, nil
	}
	return nil, errors.New("find a user for Postgres: it refuses root, and there is no user postgres or nobody; run as an ordinary user")
}

// stat returns the unix attributes of a file.
func stat(info fs.FileInfo) *syscall.Stat_t {
	st, _ := info.Sys().(*syscall.Stat_t)
	return st
}

// ownerOf returns the account that owns a file.
func ownerOf(info fs.FileInfo) *account {
	st := stat(info)
	return &account{"number " + strconv.FormatUint(uint64(st.Uid), 10), st.Uid, st.Gid}
}

// attributes puts the child in a process group of its own. Otherwise Ctrl-C in a terminal would
// stop Postgres before the service.
func (a *account) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a != nil {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attr
}

// give makes the account the owner of a folder or file.
func (a *account) give(path string) error {
	if a == nil {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

// makePrivate creates a folder for the account alone, if it is missing. Its parents stay open,
// so that the account can enter them.
func (a *account) makePrivate(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return errors.Join(err, a.reach(filepath.Dir(path)))
	}
	if err := a.reach(filepath.Dir(path)); err != nil {
		return err // before any change
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	return a.give(path)
}

// may reports whether the mode bits give the account a permission (4 read, 2 write, 1 enter).
func (a *account) may(info fs.FileInfo, bits fs.FileMode) bool {
	if a == nil {
		return true
	}
	st := stat(info)
	mode := info.Mode().Perm()
	switch {
	case st.Uid == a.uid:
		mode >>= 6
	case st.Gid == a.gid:
		mode >>= 3
	}
	return mode&bits == bits
}

// reach returns an error when path or one of its parents is closed to the account.
func (a *account) reach(path string) error {
	if a == nil {
		return nil
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	closed := ""
	for dir := path; ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && info.IsDir() && !a.may(info, 1) {
			closed = dir // the outermost one comes first
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if closed != "" {
		return fmt.Errorf("folder %s is closed to user %s, which runs Postgres because Postgres refuses root: choose a folder elsewhere (such as below /var/lib or /tmp), run `chmod o+x %s`, or do not run as root", closed, a.name, closed)
	}
	return nil
}
