// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sweep removes folders with our prefix whose owner and supervisor are gone, after a crash of
// the machine or a killed process tree. It first stops a Postgres that still runs there. It only
// logs its errors, because a start does not depend on it.
func sweep(root, prefix string, user *account, log *slog.Logger) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return
	}
	owners := []uint32{uint32(os.Geteuid())}
	if user != nil {
		owners = append(owners, user.uid)
	}
	for _, entry := range entries {
		path := filepath.Join(root, entry.Name())
		if !strings.HasPrefix(entry.Name(), prefix) || !entry.IsDir() {
			continue
		}
		info, err := entry.Info()
		if err != nil || !slices.Contains(owners, stat(info).Uid) {
			continue // another user's, in a shared folder
		}
		lock, err := lockFolder(path)
		if err != nil {
			continue // alive, or just removed
		}
		log.Info("removing the leftover of an earlier process", "folder", path)
		err = stopRest(filepath.Join(path, "data"), syscall.SIGQUIT)
		if err = errors.Join(err, os.RemoveAll(path)); err != nil {
			log.Warn("remove leftover failed", "folder", path, "error", err)
		}
		lock.Close()
	}
}

// stopRest ends every Postgres process of a data folder that has lost its supervisor, first with
// the given signal, then with force.
func stopRest(data string, first syscall.Signal) error {
	if _, err := os.Lstat(filepath.Join(data, "postmaster.pid")); err != nil {
		return nil //nolint:nilerr // an orderly shutdown removes the file
	}
	for n := range 300 {
		pids := processesIn(data)
		if len(pids) == 0 {
			return nil
		}
		if n%250 == 0 {
			signal := first
			if n > 0 {
				signal = syscall.SIGKILL
			}
			for _, pid := range pids {
				_ = syscall.Kill(pid, signal) // the process may have ended
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("stop postgres in %s: still running", data)
}

// processesIn lists the Postgres processes of a data folder. The process id in a file proves
// nothing, because it can belong to another process by now. On Linux the working folder, the
// name of the program and the owner prove it.
func processesIn(data string) []int {
	// Not through a link, which could lead to another server.
	folder, err := os.Lstat(data)
	if err != nil {
		return nil
	}
	comms, _ := filepath.Glob("/proc/[0-9]*/comm")
	if len(comms) == 0 {
		return postmasterIn(data)
	}
	var pids []int
	for _, comm := range comms {
		name, err := os.ReadFile(comm)
		if err != nil || strings.TrimSpace(string(name)) != "postgres" {
			continue // for example a shell
		}
		dir := filepath.Dir(comm)
		cwd, err := os.Stat(filepath.Join(dir, "cwd"))
		if err != nil || !os.SameFile(cwd, folder) {
			continue
		}
		process, err := os.Stat(dir)
		if err != nil || stat(process).Uid != stat(folder).Uid {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// postmasterIn is for systems without /proc (macOS): it returns the postmaster of postmaster.pid
// if its command line names the folder. Its children end with it.
func postmasterIn(data string) []int {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return nil
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid <= 1 {
		return nil
	}
	//nolint:noctx // ps is fast
	command, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil || !strings.Contains(string(command), "postgres -D "+data) {
		return nil
	}
	return []int{pid}
}
