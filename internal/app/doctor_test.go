// SPDX-License-Identifier: Apache-2.0

package app

import (
	"io"
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
	if f.Result != result || !strings.Contains(f.Message+f.Remedy, part) {
		t.Errorf("%s: %+v, want %s with %q", name, f, result, part)
	}
}

// The files are those of containers and systemd, in both versions of cgroups.
func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		files map[string]string
		limit int64
	}{
		"no cgroups":           {nil, unlimited},
		"not limited":          {map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, unlimited},
		"a container":          {map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "268435456\n"}, 256 << 20},
		"a service":            {map[string]string{"proc/self/cgroup": "0::/system.slice/r.service\n", "sys/fs/cgroup/system.slice/r.service/memory.max": "1048576\n"}, 1 << 20},
		"limited further up":   {map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "4096\n"}, 4096},
		"a path of the host":   {map[string]string{"proc/self/cgroup": "0::/kubepods/x\n", "sys/fs/cgroup/memory.max": "4096\n"}, 4096},
		"version 1":            {map[string]string{"proc/self/cgroup": "5:cpu:/x\n4:memory:/x\n", "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "4096\n"}, 4096},
		"version 1, unlimited": {map[string]string{"proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, unlimited},
	} {
		root := fstest.MapFS{}
		for path, text := range row.files {
			root[path] = &fstest.MapFile{Data: []byte(text)}
		}
		if limit := memoryLimit(root); limit != row.limit {
			t.Errorf("%s: %d, want %d", name, limit, row.limit)
		}
	}
}

func TestCompareMemory(t *testing.T) {
	t.Parallel()
	const limit = 1000 << 20
	expect(t, "no limit", compareMemory(unlimited, unlimited), doctor.OK, "not limited")
	expect(t, "GOMEMLIMIT alone", compareMemory(unlimited, 100<<20), doctor.OK, "not limited")
	expect(t, "GOMEMLIMIT not set", compareMemory(limit, unlimited), doctor.Warning, "set GOMEMLIMIT=900MiB")
	expect(t, "GOMEMLIMIT lower", compareMemory(limit, 900<<20), doctor.OK, "900 MiB of a limit of 1000 MiB")
	expect(t, "GOMEMLIMIT higher", compareMemory(limit, 1100<<20), doctor.Warning, "900MiB")
}

func TestCheckAuditLog(t *testing.T) {
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
	expect(t, "stdout", checkAuditLog("stdout"), doctor.OK, "stdout")
	expect(t, "off", checkAuditLog("off"), doctor.Warning, "off")
	expect(t, "private file", checkAuditLog(file("private", 0o600)), doctor.OK, "can write")
	expect(t, "open file", checkAuditLog(file("open", 0o644)), doctor.Warning, "other users can read")
	expect(t, "new file", checkAuditLog(filepath.Join(dir, "new")), doctor.OK, "will create")
	expect(t, "no folder", checkAuditLog(filepath.Join(dir, "none", "x")), doctor.Error, "create the audit file")
	expect(t, "a folder", checkAuditLog(dir), doctor.Error, "is a directory")
	expect(t, "pipe without a reader", checkAuditLog(pipe), doctor.Error, "open the audit file")
	if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
		t.Error("the check created the file")
	}
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
		server.URL + "/hapi":           {"error", "another service answers"},
		server.URL + "/portal":         {"error", "another service answers"},
		server.URL + "/gone":           {"warning", "status 404"},
		server.URL + "/down":           {"warning", "status 503"},
		server.URL + "/login":          {"warning", "status 302"},
		"http://127.0.0.1:1/fhir":      {"warning", "connection refused"},
		"https://nowhere.invalid/fhir": {"warning", "no such host"},
		"http://nowhere.invalid/fhir":  {"warning, warning", "no such host"},
	} {
		base, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		var results []string
		var last doctor.Finding
		for _, f := range (DoctorOptions{Config: config.Config{BaseURL: base}}).baseURL().Run(t.Context()) {
			results, last = append(results, string(f.Result)), f
		}
		if got := strings.Join(results, ", "); got != row.results || !strings.Contains(last.Message, row.part) {
			t.Errorf("%s: %s %+v", address, got, last)
		}
	}
}
