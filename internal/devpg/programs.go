// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Programs are those of PostgreSQL on this machine, for who needs other servers than Start
// makes: such as a standby, or one that is to fail.
type Programs struct {
	bin  binaries
	user *account
}

// FindPrograms looks where Start does, and fetches them as it does. Log may not be nil.
func FindPrograms(ctx context.Context, log *slog.Logger) (Programs, error) {
	user, err := unprivileged()
	if err != nil {
		return Programs{}, fmt.Errorf("find postgres: %w", err)
	}
	bin, err := thisMachine(user).locate(ctx, "", 0, log)
	if err != nil {
		return Programs{}, fmt.Errorf("find postgres: %w", err)
	}
	return Programs{bin: bin, user: user}, nil
}

// Path is where one of them is.
func (p Programs) Path(name string) string { return filepath.Join(p.bin.dir, name) }

// Command runs one of them, or with a whole path any other, as the account that Postgres runs
// as: in a process group of its own, in the root folder, with next to no environment.
func (p Programs) Command(name string, args ...string) *exec.Cmd {
	if !filepath.IsAbs(name) {
		name = p.Path(name)
	}
	cmd := exec.Command(name, args...) //nolint:noctx // servers end when the caller says so
	cmd.Dir, cmd.Env, cmd.SysProcAttr = "/", minimalEnv(), p.user.attributes()
	if libs := p.bin.libraries(); libs != "" {
		cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+libs)
	}
	return cmd
}

// Give makes the account the owner of a file or folder.
func (p Programs) Give(path string) error { return p.user.give(path) }

// Credential is the account's; nil: our own.
func (p Programs) Credential() *syscall.Credential { return p.user.attributes().Credential }
