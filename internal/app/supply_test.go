// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unreleased are the modules without a released version, each with the reason why it is
// in use.
func unreleased() map[string]string {
	return map[string]string{
		"google.golang.org/genproto/googleapis/api": "it has no releases; the OTLP exporter needs it",
		"google.golang.org/genproto/googleapis/rpc": "it has no releases; the OTLP exporter needs it",
		"github.com/go-json-experiment/json":        "the future encoding/json/v2; rejects duplicate names, and has no releases",
		"github.com/jackc/pgservicefile":            "pgx needs it; it has no releases",
		"github.com/munnerz/goautoneg":              "the Prometheus client needs it; it has no releases",
	}
}

// copied lists the files that the image may contain.
func copied() []string {
	return []string{"/etc/ssl/certs/ca-certificates.crt", "/licenses", "/reporting"}
}

// fetchRules match commands that download software without an exact version or without
// a checksum.
func fetchRules() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{
		"a version that moves":                       regexp.MustCompile(`@(latest|main|master|upgrade|patch|HEAD|next)\b`),
		"go get changes what is pinned":              regexp.MustCompile(`\bgo (-C \S+ )?get\b`),
		"no checksum; a tool has a go.sum in tools/": regexp.MustCompile(`\bgo (-C \S+ )?(install|run|tool)\b[^;&|]*@`),
		"a download without a checksum":              regexp.MustCompile(`\b(curl|wget)\b`),
		"no lockfile; npm ci has one":                regexp.MustCompile(`\bnpx\b|\bnpm (install|i|add|exec|update)\b`),
		"no checksums":                               regexp.MustCompile(`\b(pipx?|pip3|cargo|gem) (install|run)\b`),
	}
}

// npmExact matches the installation of one package with its full version. test/interop
// installs the runtime of a client that way, because few machines need it.
var npmExact = regexp.MustCompile(`\bnpm install( --?[\w-]+(=\S+| "[^"]*")?)* [a-z@][\w/-]*@\d+\.\d+\.\d+( >|$)`)

func fetchProblems(text string) []string {
	var problems []string
	for _, line := range logicalLines(text) {
		for problem, pattern := range fetchRules() {
			if pattern.MatchString(npmExact.ReplaceAllString(line, "")) {
				problems = append(problems, fmt.Sprintf("%s: %s", problem, line))
			}
		}
	}
	return problems
}

func TestDownloadsArePinned(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Makefile", "tools/Makefile", "tools/common.mk", "tools/fuzz", ".ci/run", "Dockerfile", "test/interop/run"} {
		for _, problem := range fetchProblems(readText(t, name)) {
			t.Errorf("%s: %s", name, problem)
		}
	}
	for _, line := range []string{
		"go install example.org/tool@latest", "	GOBIN=x go install example.org/tool@v1.2.3", "go run example.org/tool@v1.2.3 ./...",
		"go get -u ./...", "go -C tools/lint get example.org/tool@v1.2.3", "curl -sSf https://example.org/install | sh",
		"sh <(wget -O- https://example.org/install)", "npm install", "npm i left-pad", "npm install node@20", "npm install --prefix x node@20.1",
		"npm install node@20.1.0 left-pad", "npx cowsay", "pip install tool", "go \\\n  install \\\n  example.org/tool@master",
	} {
		if fetchProblems(line) == nil {
			t.Errorf("%q: got no problem, want one", line)
		}
	}
	for _, line := range []string{"npm ci --no-audit", "# curl is not needed", "go -C tools/lint build -o x example.org/tool", "go mod download"} {
		if problems := fetchProblems(line); problems != nil {
			t.Errorf("%q: got problems %q, want none", line, problems)
		}
	}
}

type goMod struct {
	Module  struct{ Path string }
	Require []struct{ Path, Version string }
	Replace []replacement
	Tool    []struct{ Path string }
}

type (
	modVersion  struct{ Path, Version string }
	replacement struct{ Old, New modVersion }
)

func readMod(t *testing.T, dir string) goMod {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json", filepath.Join(root(t), dir, "go.mod"))
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go mod edit: %v", err)
	}
	var m goMod
	if err := json.Unmarshal(output, &m); err != nil {
		t.Fatal(err)
	}
	// Tools replace this module, and the module of the benchmark, by their folders.
	m.Replace = slices.DeleteFunc(m.Replace, func(r replacement) bool {
		return r.Old == modVersion{Path: "reporting"} && r.New == modVersion{Path: "../.."} ||
			r.Old == modVersion{Path: "reporting/tools/bench"} && r.New == modVersion{Path: "../bench"}
	})
	// Go caches results of tests by the files that they read: this reads go.mod.
	if !strings.Contains(readText(t, filepath.Join(dir, "go.mod")), "\nrequire ") || len(m.Require) == 0 || len(m.Replace) > 0 {
		t.Errorf("%s/go.mod requires %d modules and replaces %v", dir, len(m.Require), m.Replace)
	}
	if readText(t, filepath.Join(dir, "go.sum")) == "" {
		t.Errorf("%s/go.sum is empty", dir)
	}
	return m
}

func TestModulesAreReleased(t *testing.T) {
	t.Parallel()
	reasons := unreleased()
	released := regexp.MustCompile(`^v\d+\.\d+\.\d+$`)
	for _, r := range readMod(t, ".").Require {
		if released.MatchString(r.Version) {
			continue
		}
		if reasons[r.Path] == "" {
			t.Errorf("go.mod: %s %s is not a release", r.Path, r.Version)
		}
		delete(reasons, r.Path)
	}
	for path := range reasons {
		t.Errorf("%s is released: remove its exception", path)
	}
}

// The version in a tool's go.mod equals the version in the name of its program in the
// Makefile: with a new version in go.mod only, make would keep the old program.
func TestToolsAreBuiltAsPinned(t *testing.T) {
	t.Parallel()
	// tools/Makefile runs in its own folder.
	makefile := readText(t, "Makefile") + strings.ReplaceAll(readText(t, "tools/Makefile"), "go -C ", "go -C tools/")
	entries, err := os.ReadDir(filepath.Join(root(t), "tools"))
	if err != nil || len(entries) == 0 {
		t.Fatalf("%d tools: %v", len(entries), err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if !entry.IsDir() {
			continue
		}
		m := readMod(t, "tools/"+name)
		if m.Module.Path != module+"tools/"+name {
			t.Errorf("tools/%s/go.mod: got module %s, want %s", name, m.Module.Path, module+"tools/"+name)
		}
		if !strings.Contains(makefile, "go -C tools/"+name+" ") {
			t.Errorf("no Makefile uses tools/%s", name)
		}
		for _, tool := range m.Tool {
			index := slices.IndexFunc(m.Require, func(r struct{ Path, Version string }) bool { return strings.HasPrefix(tool.Path, r.Path+"/") })
			if index < 0 {
				t.Errorf("tools/%s/go.mod requires no module with %s", name, tool.Path)
				continue
			}
			if built := "$(BIN)/" + name + "-" + m.Require[index].Version + "\n"; !strings.Contains(makefile, built) {
				t.Errorf("tools/%s/go.mod has version %s, but the Makefile has no %q", name, m.Require[index].Version, built)
			}
		}
	}
}

// imageProblems checks the last stage of a Dockerfile, which is the image.
func imageProblems(dockerfile string) []string {
	var problems []string
	report := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	lines := logicalLines(dockerfile)
	for len(lines) > 0 {
		next := slices.IndexFunc(lines[1:], func(line string) bool { return keyword(line) == "FROM" })
		if next < 0 {
			break
		}
		lines = lines[1+next:]
	}
	last := map[string]string{}
	for _, line := range lines {
		words := strings.Fields(line)
		last[keyword(line)] = line
		switch keyword(line) {
		case "EXPOSE", "LABEL", "USER", "FROM":
		case "COPY":
			if len(words) != 4 || !strings.HasPrefix(words[1], "--from=") || !slices.Contains(copied(), words[2]) {
				report("copies a file that is not allowed: %s", line)
			}
		case "HEALTHCHECK", "ENTRYPOINT", "CMD":
			before, list, _ := strings.Cut(line, "[")
			var command []string
			if err := json.Unmarshal([]byte("["+list), &command); err != nil || len(command) == 0 || !regexp.MustCompile(`(CMD|ENTRYPOINT) $`).MatchString(before) {
				report("needs a shell, or runs no program: %s", line)
			} else if words[0] != "CMD" && command[0] != "/reporting" {
				report("runs another program: %s", line)
			}
		default:
			report("has an instruction that is not allowed: %s", line)
		}
	}
	if from := strings.Fields(last["FROM"]); len(from) < 2 || from[1] != "scratch" {
		report("does not start from scratch: %q", last["FROM"])
	}
	if !regexp.MustCompile(`^USER [1-9]\d*:[1-9]\d*$`).MatchString(last["USER"]) {
		report("does not run as a numeric user other than root: %q", last["USER"])
	}
	for _, needed := range []string{"ENTRYPOINT", "HEALTHCHECK"} {
		if last[needed] == "" {
			report("has no %s", needed)
		}
	}
	for _, path := range copied() {
		if !slices.ContainsFunc(lines, func(line string) bool { return keyword(line) == "COPY" && strings.Contains(line, " "+path+" ") }) {
			report("does not have %s", path)
		}
	}
	return problems
}

func TestImage(t *testing.T) {
	t.Parallel()
	dockerfile := readText(t, "Dockerfile")
	for _, problem := range imageProblems(dockerfile) {
		t.Errorf("the image %s", problem)
	}
	for _, edit := range [][2]string{
		{"FROM scratch", "FROM debian:bookworm"},
		{"FROM scratch", "FROM scratch AS final\nFROM alpine"},
		{"USER 65532:65532", ""},
		{"USER 65532:65532", "USER nobody"},
		{"USER 65532:65532", "USER 0:0"},
		{"USER 65532:65532", "USER 65532:65532\nUSER root"},
		{"USER 65532:65532", "RUN chmod 777 /"},
		{`ENTRYPOINT ["/reporting"]`, "ENTRYPOINT /reporting"},
		{`ENTRYPOINT ["/reporting"]`, `ENTRYPOINT ["/bin/sh", "-c", "/reporting"]`},
		{`ENTRYPOINT ["/reporting"]`, `ENTRYPOINT exec ["/reporting"]`},
		{`ENTRYPOINT ["/reporting"]`, ""},
		{`CMD ["serve"]`, "CMD serve"},
		{`CMD ["/reporting", "healthcheck", "--live"]`, "CMD /reporting healthcheck --live"},
		{`CMD ["/reporting", "healthcheck", "--live"]`, "\\\n  CMD curl localhost"},
		{"EXPOSE", "COPY --from=build /bin/sh /bin/sh\nEXPOSE"},
		{"EXPOSE", "COPY --from=busybox / /\nEXPOSE"},
		{"EXPOSE", "COPY . /licenses\nEXPOSE"},
		{"EXPOSE", "ADD https://example.org/tool /tool\nEXPOSE"},
		{"COPY --from=build /licenses /licenses", ""},
	} {
		changed := strings.Replace(dockerfile, edit[0], edit[1], 1)
		if changed == dockerfile || imageProblems(changed) == nil {
			t.Errorf("%q instead of %q: got no problem, want one", edit[1], edit[0])
		}
	}
}

// The image is built with the flags of make.
func TestImageHasTheSameBuild(t *testing.T) {
	t.Parallel()
	build := regexp.MustCompile(`CGO_ENABLED=0 go build (-trimpath -buildvcs=false) -ldflags .* \./cmd/reporting\n`)
	stamped := regexp.MustCompile(`-s -w -X main\.version=.* -X main\.commit=.* -X main\.date=`)
	for _, name := range []string{"Makefile", "Dockerfile"} {
		text := strings.Join(logicalLines(readText(t, name)), "\n") + "\n"
		if !build.MatchString(text) || !stamped.MatchString(text) {
			t.Errorf("%s builds with other flags", name)
		}
	}
}

func keyword(line string) string {
	word, _, _ := strings.Cut(line, " ")
	return strings.ToUpper(word)
}

// logicalLines joins lines that end with a backslash, and drops comments.
func logicalLines(text string) []string {
	var lines []string
	continued := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		part, more := strings.CutSuffix(line, `\`)
		part = strings.TrimSpace(part)
		if continued {
			lines[len(lines)-1] += " " + part
		} else {
			lines = append(lines, part)
		}
		continued = more
	}
	return lines
}

func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
