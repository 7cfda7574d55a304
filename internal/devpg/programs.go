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

// Programs are the PostgreSQL programs of this machine, for servers that Start does not offer,
// such as a standby.
type Programs struct {
	bin  binaries
	user *account
}

// FindPrograms finds or downloads programs, as Start does. Log must not be nil.
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

// Path returns the path of a program.
func (p Programs) Path(name string) string { return filepath.Join(p.bin.dir, name) }

// Command returns a command that runs as the account of Postgres, in a process group of its own,
// in the root folder, and with a minimal environment. name is one of the programs or a whole
// path.
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

// Credential returns the account; nil means our own.
func (p Programs) Credential() *syscall.Credential { return p.user.attributes().Credential }
