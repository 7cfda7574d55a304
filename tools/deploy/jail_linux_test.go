// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// jailArgument makes the test program become what runs in a jail: a process as Kubernetes
// starts one from the image. It sees the image's files and nothing else, on a root that
// cannot be written to; it is an ordinary user, has no capability and can gain none.
const jailArgument = "jail"

// jailFailure is the exit code of a jail that could not be built.
const jailFailure = 97

// inJail returns a command that runs a program in a jail. Root builds it in a mount
// namespace; others in a user namespace too, where the kernel lets them.
func inJail(t *testing.T, root string, user int, environ []string, argv ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(self, append([]string{jailArgument, root, strconv.Itoa(user)}, argv...)...)
	command.Env = environ
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		command.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: user, HostID: os.Geteuid(), Size: 1}}
		command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: user, HostID: os.Getegid(), Size: 1}}
		command.SysProcAttr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SYS_CHROOT, unix.CAP_SETPCAP}
	}
	return command
}

// jailHelp is what to do where no jail can be built.
const jailHelp = "a jail needs root, or user namespaces: run this as root with CAP_SYS_ADMIN, or allow the latter " +
	"(sysctl -w user.max_user_namespaces=10000, kernel.unprivileged_userns_clone=1 on Debian, kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu)"

func jailed(args []string) {
	runtime.LockOSThread() // what follows is about this thread until it is the process
	if err := enter(args[0], args[1], args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "build a jail: %v\n%s\n", err, jailHelp)
	}
	os.Exit(jailFailure)
}

// enter returns only when it has failed.
func enter(root, user string, argv []string) error {
	id, err := strconv.Atoi(user)
	if err != nil {
		return err
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(root, &fs); err != nil {
		return fmt.Errorf("look at %s: %w", root, err)
	}
	for _, mount := range []struct {
		from, to string
		flags    uintptr
	}{
		{"", "/", unix.MS_REC | unix.MS_PRIVATE}, // nobody else sees what follows
		{root, root, unix.MS_BIND},
		// Times of access stay as they are: a user namespace may not change them.
		{"", root, unix.MS_REMOUNT | unix.MS_BIND | unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV |
			uintptr(fs.Flags)&(unix.MS_NOATIME|unix.MS_NODIRATIME|unix.MS_RELATIME)},
	} {
		if err := unix.Mount(mount.from, mount.to, "", mount.flags, ""); err != nil {
			return fmt.Errorf("mount %s on %s: %w", mount.from, mount.to, err)
		}
	}
	if err := unix.Chroot(root); err != nil {
		return fmt.Errorf("change the root: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return err
	}
	if err := dropAll(id); err != nil {
		return err
	}
	return syscall.Exec(argv[0], argv, os.Environ())
}

// dropAll becomes an ordinary user for good.
func dropAll(id int) error {
	for c := range uintptr(64) {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("clear ambient capabilities: %w", err)
	}
	if os.Geteuid() == 0 {
		if err := syscall.Setgroups(nil); err != nil {
			return fmt.Errorf("leave all groups: %w", err)
		}
	}
	if err := syscall.Setresgid(id, id, id); err != nil {
		return fmt.Errorf("change the group: %w", err)
	}
	if err := syscall.Setresuid(id, id, id); err != nil {
		return fmt.Errorf("change the user: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("refuse new privileges: %w", err)
	}
	return nil
}
