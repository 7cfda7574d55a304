// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"reporting/internal/config"
)

// systemdAnalyze is needed, and never left out.
func systemdAnalyze(t *testing.T, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Fatal("systemd-analyze is missing: install systemd (Debian and Ubuntu: apt-get install --no-install-recommends systemd); it need not run")
	}
	output, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze %q: %v: %s", args, err, output)
	}
	return string(output)
}

func units(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(deployed("systemd/*.service"))
	if err != nil || len(files) != 3 {
		t.Fatalf("units %q: %v", files, err)
	}
	return files
}

// systemd knows every word of the units, in a system that has the program where they say.
func TestUnits(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	put := func(name, text string, mode os.FileMode) {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	put("usr/local/bin/reporting", "", 0o755)
	for _, target := range []string{"sysinit", "basic", "shutdown", "network-online", "multi-user"} {
		put("etc/systemd/system/"+target+".target", "[Unit]\n", 0o600)
	}
	verify := []string{"verify", "--root=" + root}
	for _, file := range units(t) {
		put("etc/systemd/system/"+filepath.Base(file), readFile(t, file), 0o600)
		verify = append(verify, filepath.Base(file))
	}
	// What it does not know it only warns of, and succeeds.
	if output := systemdAnalyze(t, verify...); output != "" {
		t.Error(output)
	}
}

// exposure is what systemd may say at most of what a unit could do, from 0 to 10.
const exposure = 1.5

func TestUnitsMayDoLittle(t *testing.T) {
	t.Parallel()
	for _, file := range units(t) {
		output := systemdAnalyze(t, "security", "--offline=true", file)
		found := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`).FindStringSubmatch(output)
		if found == nil {
			t.Fatal(output)
		}
		if level, err := strconv.ParseFloat(found[1], 64); err != nil || level > exposure {
			t.Errorf("%s: exposure %s: %s", file, found[1], output)
		}
	}
}

// unit is the last value of each directive.
func unit(t *testing.T, name string) map[string]string {
	t.Helper()
	directives := map[string]string{}
	for line := range strings.Lines(readFile(t, deployed("systemd/"+name))) {
		if key, value, found := strings.Cut(strings.TrimSpace(line), "="); found && !strings.HasPrefix(line, "#") {
			directives[key] = value
		}
	}
	return directives
}

func TestUnitLimits(t *testing.T) {
	t.Parallel()
	megabytes := func(text, prefix, unit string) int {
		n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(text, prefix), unit))
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		return n
	}
	for _, name := range []string{"reporting.service", "reporting-worker.service"} {
		u := unit(t, name)
		if limit, soft := megabytes(u["MemoryMax"], "", "M"), megabytes(u["Environment"], "GOMEMLIMIT=", "MiB"); soft != limit*9/10 {
			t.Errorf("%s: Go collects harder at %d of %d MiB", name, soft, limit)
		}
		if u["PrivateTmp"] != "yes" {
			t.Errorf("%s has no folder for the temporary files of reports", name)
		}
	}
	const delay = 5 * time.Second // the default
	if stop, err := time.ParseDuration(unit(t, "reporting-worker.service")["TimeoutStopSec"]); err != nil || stop < delay+workerCleanups {
		t.Errorf("stopping workers may take %v (%v)", stop, err)
	}
	u := unit(t, "reporting.service")
	const settings = 20 * time.Second // the defaults of delay and grace
	if stop, err := time.ParseDuration(u["TimeoutStopSec"]); err != nil || stop < settings+cleanups(t) {
		t.Errorf("stopping may take %s (%v)", u["TimeoutStopSec"], err)
	}
	if files, err := strconv.Atoi(u["LimitNOFILE"]); err != nil || files < 4096+1024 {
		t.Errorf("%s files", u["LimitNOFILE"])
	}
	for name, command := range map[string]string{"reporting.service": "serve", "reporting-migrate.service": "migrate", "reporting-worker.service": "worker"} {
		if got := unit(t, name)["ExecStart"]; got != "/usr/local/bin/reporting "+command {
			t.Errorf("%s runs %s", name, got)
		}
	}
	if !slices.Contains(strings.Fields(u["After"]), "reporting-migrate.service") {
		t.Error("the service does not wait for a migration that is under way")
	}
}

// The example is one that the program would start with.
func TestEnvironmentFiles(t *testing.T) {
	t.Parallel()
	for name, user := range map[string]string{"reporting": "reporting_serve", "migrate": "reporting_migrate", "worker": "reporting_work"} {
		var env []string
		for line := range strings.Lines(readFile(t, deployed("systemd/"+name+".env"))) {
			if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			key, _, found := strings.Cut(line, "=")
			if !found || !slices.Contains(config.Names(), key) {
				t.Errorf("%s.env: %q is no setting", name, line)
			}
			env = append(env, line)
		}
		if !strings.Contains(strings.Join(env, "\n"), "//"+user+":") {
			t.Errorf("%s.env does not name %s", name, user)
		}
		if command := map[string]string{"reporting": "serve", "worker": "worker"}[name]; command != "" {
			acceptsAs(t, command, env)
		}
		file := "EnvironmentFile=/etc/reporting/" + name + ".env"
		if !slices.ContainsFunc(units(t), func(u string) bool { return strings.Contains(readFile(t, u), "\n"+file+"\n") }) {
			t.Errorf("no unit reads %s.env", name)
		}
	}
}
