// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"reporting/internal/app"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
)

// left lists the files in a folder, and the processes that name the folder.
func left(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		found = append(found, e.Name())
	}
	for _, command := range commands(t) {
		if strings.Contains(command, dir) {
			found = append(found, command)
		}
	}
	return found
}

// commands lists the command lines of all processes, from /proc if there is one: a
// small Linux may lack ps.
func commands(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, file := range files {
		line, _ := os.ReadFile(file) // the process may have ended since
		list = append(list, strings.ReplaceAll(string(line), "\x00", " "))
	}
	if len(files) == 0 {
		output, err := exec.Command("ps", "-Ao", "args").Output()
		if err != nil {
			t.Fatal(err)
		}
		list = strings.Split(string(output), "\n")
	}
	return list
}

func waitUntilNothingIsLeft(t *testing.T, dir string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		found := left(t, dir)
		if len(found) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("got left-overs %q, want none", found)
		}
	}
}

var (
	curlLine = regexp.MustCompile(`^curl -s -X POST '(http[^']*)' -H '(Content-Type): ([^']*)' -d '([^']*)' -H '(Authorization): ([^']*)'$`)
	quoted   = regexp.MustCompile(`'[^']*'`)
)

// paste makes the request of a curl line; a machine may lack curl.
func paste(t *testing.T, line string) string {
	t.Helper()
	if strings.ContainsAny(quoted.ReplaceAllString(line, ""), "$\"`\\&;|<>(){}*?~#'") {
		t.Errorf("a shell would interpret unquoted characters of %s", line)
	}
	words := curlLine.FindStringSubmatch(line)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, words[1], strings.NewReader(words[4]))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set(words[2], words[3])
	request.Header.Set(words[5], words[6])
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("%s: got %s, %v; want 200", line, response.Status, err)
	}
	return string(body)
}

// The curl lines that dev prints work unchanged, and Ctrl-C leaves no process and no file.
func TestDev(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	p := spawnDev(t, dir)
	if found := left(t, dir); len(found) == 0 {
		t.Error("got no database in the temporary folder: this test would find no left-overs")
	}
	if answer := paste(t, p.curls[0]); answer != seedAnswer(t) {
		t.Errorf("the published request got %s, want the published response", answer)
	}
	demo := paste(t, p.curls[1])
	for _, status := range report.Statuses() {
		if !strings.Contains(demo, `"`+string(status)+`"`) {
			t.Errorf("got no demo job with status %s, want one", status)
		}
	}
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("exit: %v", err)
	}
	if found := left(t, dir); len(found) > 0 {
		t.Errorf("got left-overs %q, want none", found)
	}
}

// kill -9 leaves no process and no folder.
func TestDevKilled(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	p := spawnDev(t, dir)
	if err := p.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = p.Wait()
	waitUntilNothingIsLeft(t, dir)
}

// With --data the database stays for the next start.
func TestDevKeepsData(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped with -short: starts two Postgres servers")
	}
	dir := pgtest.Dir(t)
	data := filepath.Join(dir, "data")
	for range 2 {
		p := spawnDev(t, dir, "--data", data)
		if status, body, err := ask(t.Context(), p.base, app.Token("", "", nil, time.Time{})); err != nil || status != http.StatusOK || string(body) != seedAnswer(t) {
			t.Errorf("got status %d %s, %v; want 200 and the published response", status, body, err)
		}
		if err := p.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if err := p.Wait(); err != nil {
			t.Errorf("exit: %v", err)
		}
		if entries, err := os.ReadDir(data); err != nil || !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == "PG_VERSION" }) {
			t.Errorf("the data folder holds %v, %v; want PG_VERSION", entries, err)
		}
	}
}

type devProcess struct {
	*process
	curls []string
}

func spawnDev(t *testing.T, dir string, args ...string) devProcess {
	t.Helper()
	// The curl lines name the base URL, so dev needs a fixed port.
	port := freePort(t)
	d := devProcess{process: spawnQuiet(t, dir, []string{"REPORTING_LISTEN=127.0.0.1:" + port}, append([]string{"dev"}, args...)...)}
	for range 2 {
		d.curls = append(d.curls, d.expect(t, curlLine)[0])
	}
	match := d.expect(t, serving)
	d.listens(match)
	return d
}
