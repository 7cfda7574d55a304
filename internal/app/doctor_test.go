// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"reporting/internal/config"
	"reporting/internal/doctor"
)

func expect(t *testing.T, name string, f doctor.Finding, result doctor.Result, part string) {
	t.Helper()
	if f.Result != result || !strings.Contains(f.Text+f.Mend, part) {
		t.Errorf("%s: %+v, want %s with %q", name, f, result, part)
	}
}

// What containers and systemd write there, in both versions of cgroups.
func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	const free = math.MaxInt64
	for name, row := range map[string]struct {
		files map[string]string
		limit int64 // free: none
	}{
		"no cgroups":           {nil, free},
		"not limited":          {map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, free},
		"a container":          {map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "268435456\n"}, 256 << 20},
		"a service":            {map[string]string{"proc/self/cgroup": "0::/system.slice/r.service\n", "sys/fs/cgroup/system.slice/r.service/memory.max": "1048576\n"}, 1 << 20},
		"limited further up":   {map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "4096\n"}, 4096},
		"a path of the host":   {map[string]string{"proc/self/cgroup": "0::/kubepods/x\n", "sys/fs/cgroup/memory.max": "4096\n"}, 4096},
		"version 1":            {map[string]string{"proc/self/cgroup": "5:cpu:/x\n4:memory:/x\n", "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "4096\n"}, 4096},
		"version 1, unlimited": {map[string]string{"proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, free},
	} {
		root := fstest.MapFS{}
		for path, text := range row.files {
			root[path] = &fstest.MapFile{Data: []byte(text)}
		}
		limit, found := memoryLimit(root)
		if limit != row.limit || found != (row.limit != free) {
			t.Errorf("%s: %d %v, want %d", name, limit, found, row.limit)
		}
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	const limit, unset = 1000 << 20, math.MaxInt64
	expect(t, "nothing set", memory(unset, false, unset), doctor.OK, "not limited")
	expect(t, "ours alone", memory(unset, false, 100<<20), doctor.OK, "100 MiB")
	expect(t, "theirs alone", memory(limit, true, unset), doctor.Warning, "set GOMEMLIMIT to nine tenths of it, 900MiB")
	expect(t, "as it should be", memory(limit, true, 900<<20), doctor.OK, "900 MiB of the 1000 MiB")
	expect(t, "tight", memory(limit, true, 990<<20), doctor.Warning, "leaves little")
	expect(t, "above", memory(limit, true, 1100<<20), doctor.Wrong, "900MiB")
}

func TestAuditPlace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, "stdout", auditPlace("stdout"), doctor.OK, "stdout")
	expect(t, "off", auditPlace("off"), doctor.Warning, "off")
	expect(t, "private file", auditPlace(file("private", 0o600)), doctor.OK, "can be written")
	expect(t, "open file", auditPlace(file("open", 0o644)), doctor.Warning, "read by others")
	expect(t, "new file", auditPlace(filepath.Join(dir, "new")), doctor.OK, "will be made")
	expect(t, "no folder", auditPlace(filepath.Join(dir, "none", "x")), doctor.Wrong, "none can be made")
	expect(t, "a folder", auditPlace(dir), doctor.Wrong, "is a directory")
	expect(t, "pipe without a reader", auditPlace(pipe), doctor.Wrong, "cannot be written")
	if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
		t.Error("looking made the file")
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	taken := l.Addr().String()
	try := func(where string, ours bool) doctor.Finding {
		return address(t.Context(), "API", "REPORTING_LISTEN", where, func(context.Context) (string, bool) { return "v1", ours })
	}
	expect(t, "free", try("127.0.0.1:0", false), doctor.OK, "free")
	expect(t, "taken by another", try(taken, false), doctor.Wrong, "choose another with REPORTING_LISTEN")
	expect(t, "taken by ours", try(taken, true), doctor.OK, "version v1")
	expect(t, "not ours to take", try("192.0.2.1:80", false), doctor.Wrong, "correct REPORTING_LISTEN")
	expect(t, "no address", try("8080", false), doctor.Wrong, "correct REPORTING_LISTEN")
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	answers := map[string]struct {
		status int
		body   string
	}{
		"/ours":   {200, `{"resourceType":"CapabilityStatement","software":{"name":"reporting","version":"1.2.3"}}`},
		"/hapi":   {200, `{"resourceType":"CapabilityStatement","software":{"name":"HAPI FHIR Server"}}`},
		"/portal": {200, `<html>`},
		"/gone":   {404, ""},
		"/down":   {503, ""},
		"/login":  {302, ""},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := answers[strings.TrimSuffix(r.URL.Path, "/metadata")]
		w.Header().Set("Location", "/ours/metadata")
		w.WriteHeader(answer.status)
		_, _ = io.WriteString(w, answer.body)
	}))
	t.Cleanup(server.Close)
	for address, row := range map[string]struct {
		results string
		part    string // of the last finding
	}{
		server.URL + "/ours":           {"ok", "version 1.2.3"},
		server.URL + "/hapi":           {"wrong", "something else"},
		server.URL + "/portal":         {"wrong", "something else"},
		server.URL + "/gone":           {"warning", "answers 404"},
		server.URL + "/down":           {"warning", "answers 503"},
		server.URL + "/login":          {"warning", "answers 302"},
		"http://127.0.0.1:1/fhir":      {"warning", "connection refused"},
		"https://nowhere.invalid/fhir": {"warning", "cannot be resolved"},
		"http://nowhere.invalid/fhir":  {"warning, warning", "cannot be resolved"},
	} {
		base, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		var results []string
		var last doctor.Finding
		for _, f := range (DoctorOptions{Config: config.Config{BaseURL: base}}).public().Run(t.Context()) {
			results, last = append(results, string(f.Result)), f
		}
		if got := strings.Join(results, ", "); got != row.results || !strings.Contains(last.Text, row.part) {
			t.Errorf("%s: %s %+v", address, got, last)
		}
	}
}

// More connections than files can be had for.
func TestFiles(t *testing.T) {
	t.Parallel()
	expect(t, "as shipped", DoctorOptions{Config: config.Config{MaxConnections: 32}}.files(), doctor.OK, "as many files")
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Cur >= 1_000_000 {
		return // a machine without a limit to speak of
	}
	expect(t, "too many", DoctorOptions{Config: config.Config{MaxConnections: 1_000_000}}.files(), doctor.Warning, fewerConnections)
}
