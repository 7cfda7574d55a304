// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
)

// The program says which build it is: the three values that a release is made with.
func TestVersion(t *testing.T) {
	t.Parallel()
	output, err := exec.Command(program, "version").Output()
	if want := "reporting v1.2.3 (commit abc, 2026-01-02)\n"; err != nil || string(output) != want {
		t.Errorf("%q, not %q: %v", output, want, err)
	}
}

// Chart and program are released together, and the CHANGELOG leads: its newest release is
// what the chart installs, or the chart is ahead of the first one.
func TestTheChartsVersion(t *testing.T) {
	t.Parallel()
	chart, err := loader.LoadDir(deployed("helm/reporting"))
	if err != nil {
		t.Fatal(err)
	}
	version := chart.Metadata.Version
	if chart.Metadata.AppVersion != "v"+version {
		t.Errorf("chart %s installs %s", version, chart.Metadata.AppVersion)
	}
	changelog := readFile(t, "../../CHANGELOG.md")
	if !strings.Contains(changelog, "\n## Unreleased\n") {
		t.Error("the CHANGELOG has no place for what comes next")
	}
	released := regexp.MustCompile(`(?m)^## (\d+\.\d+\.\d+) \(\d{4}-\d\d-\d\d\)$`).FindStringSubmatch(changelog)
	if released != nil && released[1] != version {
		t.Errorf("the CHANGELOG's newest is %s, the chart's %s", released[1], version)
	}
}
