// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// workflow is as much of one as ours use.
type workflow struct {
	Name        string            `json:"name"`
	On          map[string]any    `json:"on"`
	Permissions map[string]string `json:"permissions"`
	Concurrency map[string]any    `json:"concurrency"`
	Jobs        map[string]struct {
		RunsOn      string            `json:"runs-on"`
		Timeout     int               `json:"timeout-minutes"`
		Permissions map[string]string `json:"permissions"`
		Steps       []struct {
			Uses string            `json:"uses"`
			With map[string]any    `json:"with"`
			Run  string            `json:"run"`
			Env  map[string]string `json:"env"`
		} `json:"steps"`
	} `json:"jobs"`
}

// mayWrite are the only permissions that jobs have beyond reading the sources.
func mayWrite() map[string][]string {
	return map[string][]string{"binaries": {"contents"}, "image": {"id-token", "packages"}}
}

// Actions are pinned, jobs have no more permissions than they need, and no script contains text
// that others can choose.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	pinned := regexp.MustCompile(`^\s*- uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	var targets []string
	for _, line := range regexp.MustCompile(`(?m)^([a-z -]+):`).FindAllStringSubmatch(readFile(t, "../../Makefile"), -1) {
		targets = append(targets, strings.Fields(line[1])...)
	}
	files, err := filepath.Glob("../../.github/workflows/*")
	if err != nil || len(files) != 2 {
		t.Fatalf("workflows %q: %v", files, err)
	}
	var runs []string
	for _, file := range files {
		text := readFile(t, file)
		for line := range strings.Lines(text) {
			if strings.Contains(line, "uses:") && !pinned.MatchString(strings.TrimRight(line, "\n")) {
				t.Errorf("%s: not pinned: %s", file, line)
			}
		}
		var w workflow
		// In YAML 1.1, which this library reads, on is a boolean unless it is quoted.
		if err := yaml.UnmarshalStrict([]byte(strings.Replace(text, "\non:", "\n\"on\":", 1)), &w); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if !maps.Equal(w.Permissions, map[string]string{"contents": "read"}) {
			t.Errorf("%s may %v by default", file, w.Permissions)
		}
		for name, job := range w.Jobs {
			var writes []string
			for permission, level := range job.Permissions {
				if level == "write" {
					writes = append(writes, permission)
				}
			}
			slices.Sort(writes)
			if !slices.Equal(writes, mayWrite()[name]) || job.Timeout == 0 || strings.HasSuffix(job.RunsOn, "-latest") {
				t.Errorf("%s: %s may write %q, takes at most %d minutes, on %s", file, name, writes, job.Timeout, job.RunsOn)
			}
			for _, step := range job.Steps {
				if strings.Contains(step.Run, "${{") {
					t.Errorf("%s: %s pastes into a script: %s", file, name, step.Run)
				}
				if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false {
					t.Errorf("%s: %s leaves a token in the checkout", file, name)
				}
				runs = append(runs, step.Run)
			}
		}
	}
	if !slices.Contains(runs, ".ci/run") {
		t.Error("nothing runs .ci/run")
	}
	// Where .ci/run is not root, it finds what it would have installed.
	packages := regexp.MustCompile(`(?m)^need [^#\n]* -- (.*)$`).FindAllStringSubmatch(readFile(t, "../../.ci/run"), -1)
	if len(packages) == 0 {
		t.Error(".ci/run needs nothing, or says so in another way")
	}
	installed := strings.Fields(strings.Join(runs, "\n"))
	for _, list := range packages {
		for name := range strings.FieldsSeq(list[1]) {
			if !slices.Contains(installed, name) {
				t.Errorf("the workflow does not install %s, which .ci/run needs", name)
			}
		}
	}
	for _, call := range regexp.MustCompile(`\bmake ([a-z-]+)`).FindAllStringSubmatch(strings.Join(runs, "\n"), -1) {
		if !slices.Contains(targets, call[1]) {
			t.Errorf("the Makefile has no %s", call[1])
		}
	}
}
