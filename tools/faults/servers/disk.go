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

// The files of a cluster with some jobs need half of it; the rest fills within a second.
const smallDiskMB = 96

// ballast is a file that takes room until MakeRoom.
const ballast, ballastMB = "ballast", 24

// NewPostgresOnSmallDisk copies a cluster, jobs and all, to a small disk below dir, and
// starts it there. The disk is memory, mounted where only this server sees it, so that it
// goes with the server. That takes root, and a machine that lets root mount.
func NewPostgresOnSmallDisk(ctx context.Context, from *Postgres, dir string) (*Postgres, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("a disk that gets full has to be mounted: run the suite as root, or name the other faults by -only")
	}
	p := &Postgres{programs: from.programs, dir: dir, password: from.password, settings: []string{"autovacuum=off"}} // which wants room too
	if err := p.makeDir(); err != nil {
		return nil, err
	}
	if err := errors.Join(os.Mkdir(p.data(), 0o700), p.programs.Give(p.data())); err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	image := filepath.Join(dir, "image")
	backup := &Postgres{programs: p.programs, password: p.password}
	err := backup.run("pg_basebackup", "-D", image, "-h", "127.0.0.1", "-p", strconv.Itoa(from.Port), "-U", superuser, "--checkpoint=fast", "--no-sync",
		// Its log is on another disk, as it should be: Postgres ends itself when it cannot write that.
		"--waldir", filepath.Join(dir, "wal"))
	if err != nil {
		return nil, err
	}
	account := p.programs.Credential()
	const script = `
set -e
mount -t tmpfs -o size="$1"m,mode=0700,uid="$3",gid="$4" small "$2"
cp -a "$5/." "$2"
head -c "$6"M /dev/zero > "$2/` + ballast + `"
uid=$3 gid=$4
shift 6
exec setpriv --reuid="$uid" --regid="$gid" --clear-groups --pdeathsig=INT -- "$@"`
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		return nil, fmt.Errorf("mount a small disk: %w", err)
	}
	uid, gid := strconv.Itoa(int(account.Uid)), strconv.Itoa(int(account.Gid))
	p.wrap = func(command []string) []string {
		head := []string{unshare, "--mount", "/bin/sh", "-c", script, "sh", strconv.Itoa(smallDiskMB), p.data(), uid, gid, image, strconv.Itoa(ballastMB)}
		return append(head, command...)
	}
	return p, p.begin(ctx)
}

// MakeRoom removes what stood in the way on a small disk.
func (p *Postgres) MakeRoom() error {
	// Through the eyes of the server, since nobody else sees the disk.
	seen := filepath.Join("/proc", strconv.Itoa(p.process.cmd.Process.Pid), "root", p.data(), ballast)
	if err := os.Remove(seen); err != nil {
		return fmt.Errorf("make room: %w", err)
	}
	return nil
}
