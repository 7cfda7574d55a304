// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// helperVar makes the test binary the owner of a server, so that a test can kill it.
const helperVar = "EMBEDDED_TEST_HELPER"

func TestMain(m *testing.M) {
	if mode := os.Getenv(helperVar); mode != "" {
		if err := helper(mode); err != nil {
			_, _ = fmt.Fprintln(os.Stdout, "helper:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// report is what a helper tells once its server runs.
type report struct {
	URL  string
	Data string
	Pids []int
}

func helper(mode string) error {
	ctx := context.Background()
	if mode == "cancel" {
		return cancelStarts(ctx)
	}
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, syscall.SIGINT)
	s, err := Start(ctx, Options{DataDir: os.Getenv("HELPER_DATA")})
	if err != nil {
		return err
	}
	var data string
	if err := queryRow(s.URL("postgres", "postgres"), "show data_directory", &data); err != nil {
		return err
	}
	line, err := json.Marshal(report{s.URL("postgres", "postgres"), data, append(processesIn(data), group(s.cmd.Process.Pid)...)})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(os.Stdout, string(line))
	if mode == "hold" {
		time.Sleep(time.Minute)
		return nil
	}
	<-interrupts
	time.Sleep(200 * time.Millisecond) // the requests that we drain
	var one int
	if err := queryRow(s.URL("postgres", "postgres"), "select 1", &one); err != nil {
		return fmt.Errorf("query while draining: %w", err)
	}
	_, _ = fmt.Fprintln(os.Stdout, "drained")
	return s.Stop(ctx)
}

// cancelStarts gives up at different stages: before the supervisor, within initdb, around the first answer.
func cancelStarts(ctx context.Context) error {
	for _, after := range []int{1, 60, 150, 350} {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(after)*time.Millisecond)
		s, err := Start(ctx, Options{})
		cancel()
		switch {
		case err == nil:
			err = s.Stop(context.Background())
		case ctx.Err() != nil && !strings.Contains(err.Error(), ctx.Err().Error()):
			return fmt.Errorf("after %d ms: error does not name its cause: %w", after, err)
		default:
			err = nil
		}
		if left, _ := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
			return fmt.Errorf("after %d ms: left %v, error %w", after, left, err)
		}
	}
	return nil
}

// own runs a helper in a process group of its own, with a private folder for temporary files.
func own(t *testing.T, mode, data string) (cmd *exec.Cmd, lines *bufio.Scanner, temp string) {
	t.Helper()
	temp = room(t)
	if err := os.Chmod(temp, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperVar+"="+mode, "HELPER_DATA="+data, "TMPDIR="+temp)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, bufio.NewScanner(out), temp
}

func readReport(t *testing.T, lines *bufio.Scanner) report {
	t.Helper()
	var r report
	if !lines.Scan() {
		t.Fatal("helper said nothing")
	}
	if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
		t.Fatalf("helper: %s", lines.Text())
	}
	return r
}

// room is a short folder that the user who runs Postgres may enter, unlike t.TempDir.
func room(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "emb-") //nolint:usetesting // see above
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// begin starts a server and stops it at the end of the test.
func begin(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func queryRow(url, sql string, to any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return conn.QueryRow(ctx, sql).Scan(to)
}

func ask(t *testing.T, s *Server, sql string) string {
	t.Helper()
	var text string
	if err := queryRow(s.URL("postgres", "postgres"), sql, &text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text
}

// alive does not count zombies. They stay when process 1 does not reap.
func alive(pid int) bool {
	if runtime.GOOS != "linux" {
		return syscall.Kill(pid, 0) == nil
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z") && !strings.HasPrefix(state, "X")
}

// group lists the living processes of a process group.
func group(pgid int) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var pids []int
	for _, stat := range stats {
		text, _ := os.ReadFile(stat)
		_, rest, _ := strings.Cut(string(text), ") ")
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		if fields := strings.Fields(rest); len(fields) > 2 && fields[2] == strconv.Itoa(pgid) && alive(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// gone waits until neither the folder nor any of the processes is there.
func gone(t *testing.T, within time.Duration, folder string, pids []int) {
	t.Helper()
	left := []string{}
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		left = left[:0]
		if _, err := os.Lstat(folder); folder != "" && err == nil {
			left = append(left, folder)
		}
		for _, pid := range pids {
			if alive(pid) {
				left = append(left, strconv.Itoa(pid))
			}
		}
		if len(left) == 0 {
			return
		}
	}
	t.Errorf("still there after %v: %v", within, left)
}

func quiet() *tail { return &tail{log: slog.New(slog.DiscardHandler)} }

// writeProgram writes an executable file. Without the lock a child that another test forks at the same moment holds
// it open for writing, and running it fails with "text file busy".
func writeProgram(t *testing.T, path, text string) {
	t.Helper()
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, []byte(text), 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
}
