// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

const (
	// The files of a cluster with some jobs need half of it; the rest fills within a second.
	smallDiskMB = 96
	// ballast is a file that takes room until MakeRoom.
	ballast, ballastMB = "ballast", 40
	// smallFileMB is how large a file may get where there is no small disk: more than the
	// table has, and than a piece of the log.
	smallFileMB = 24
)

// mounting makes a disk of memory at $2, $1 MB large, for user $3 and group $4, copies $5
// there, adds $6 MB of ballast, and becomes the command that follows.
const mounting = `
set -e
mount -t tmpfs -o size="$1"m,mode=0700,uid="$3",gid="$4" small "$2"
cp -a "$5/." "$2"
head -c "$6"M /dev/zero > "$2/` + ballast + `"
uid=$3 gid=$4
shift 6
exec setpriv --reuid="$uid" --regid="$gid" --clear-groups --pdeathsig=INT -- "$@"`

// NewPostgresOnSmallDisk copies a cluster, jobs and all, to a small disk below dir, and
// starts it there. The disk is memory, mounted where only this server sees it, so that it
// goes with the server. Where that is not allowed the server's files may not grow beyond
// some size, which to Postgres is the same: it cannot write. How says which it is.
func NewPostgresOnSmallDisk(ctx context.Context, from *Postgres, dir string) (p *Postgres, how string, err error) {
	p = &Postgres{programs: from.programs, dir: dir, password: from.password, settings: []string{"autovacuum=off"}} // which wants room too
	if err := p.makeDir(); err != nil {
		return nil, "", err
	}
	image := p.data()
	if mountable(ctx) {
		image = filepath.Join(dir, "image")
		if err := errors.Join(os.Mkdir(p.data(), 0o700), p.programs.Give(p.data())); err != nil {
			return nil, "", fmt.Errorf("make a folder: %w", err)
		}
		how = fmt.Sprintf("a disk of %d MB", smallDiskMB)
		p.wrap = func(command []string) []string {
			account := p.programs.Credential()
			return append([]string{
				"unshare", "--mount", "/bin/sh", "-c", mounting, "sh", strconv.Itoa(smallDiskMB), p.data(),
				strconv.Itoa(int(account.Uid)), strconv.Itoa(int(account.Gid)), image, strconv.Itoa(ballastMB),
			}, command...)
		}
		p.asRoot = true
	} else {
		how = fmt.Sprintf("files that may not grow beyond %d MB, since nothing can be mounted here", smallFileMB)
		p.wrap = func(command []string) []string {
			return append([]string{"prlimit", fmt.Sprintf("--fsize=%d:unlimited", smallFileMB<<20), "--"}, command...)
		}
	}
	backup := &Postgres{programs: p.programs, password: p.password}
	err = backup.run("pg_basebackup", "-D", image, "-h", "127.0.0.1", "-p", strconv.Itoa(from.Port), "-U", superuser, "--checkpoint=fast", "--no-sync",
		// Its log is on another disk, as it should be: Postgres ends itself when it cannot write that.
		"--waldir", filepath.Join(dir, "wal"))
	if err != nil {
		return nil, "", err
	}
	return p, how, p.begin(ctx)
}

// mountable tells whether we may mount something where only a process of ours sees it.
func mountable(ctx context.Context) bool {
	return os.Geteuid() == 0 && exec.CommandContext(ctx, "unshare", "--mount", "mount", "-t", "tmpfs", "small", "/mnt").Run() == nil
}

// MakeRoom ends what kept a server on a small disk from writing.
func (p *Postgres) MakeRoom() error {
	if p.asRoot {
		// Through the eyes of the server, since nobody else sees the disk.
		seen := filepath.Join("/proc", strconv.Itoa(p.PID()), "root", p.data(), ballast)
		if err := os.Remove(seen); err != nil {
			return fmt.Errorf("make room: %w", err)
		}
		return nil
	}
	sessions, err := childrenOf(p.PID())
	if err != nil {
		return err
	}
	program, err := exec.LookPath("prlimit")
	if err != nil {
		return fmt.Errorf("make room: %w", err)
	}
	for _, pid := range append(sessions, p.PID()) {
		// As the account whose processes they are, which may.
		cmd := p.programs.Command(program, "--pid", strconv.Itoa(pid), "--fsize=unlimited:unlimited")
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("make room: %w: %s", err, said)
		}
	}
	return nil
}
