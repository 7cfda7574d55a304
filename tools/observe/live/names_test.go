// SPDX-License-Identifier: Apache-2.0

package live_test

import (
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"reporting/tools/observe/dashboard"
	"reporting/tools/observe/rules"
)

// exposed returns the metrics of the services and of a worker that have a help text and a type.
func (s *scene) exposed(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, addr := range []string{s.roomy.OpsAddr, s.narrow.OpsAddr, s.workerAddrs[1]} {
		answer, err := http.Get("http://" + addr + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(names, described(string(text)))
	}
	return names
}

// described returns the names of metrics that have a HELP and a TYPE line.
func described(text string) map[string]bool {
	help, names := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) > 3 && words[1] == "HELP":
			help[words[2]] = true
		case len(words) > 3 && words[1] == "TYPE" && help[words[2]]:
			names[words[2]] = true
			if words[3] == "histogram" {
				for _, suffix := range []string{"_bucket", "_sum", "_count"} {
					names[words[2]+suffix] = true
				}
			}
		}
	}
	return names
}

var (
	// metric matches the metrics of the service, of Go and of the process. A name may end with
	// a star as a wildcard.
	metric = regexp.MustCompile(`\b(reporting|go|process)_[a-z0-9_]+\b\*?|\b(reporting|go|process)_\*`)
	// notMetric matches names of the database, commands and files of a release.
	notMetric = regexp.MustCompile(`^reporting_(owner|reader|producer|requester|river|worker|work|serve|migrate|schema_version|v([0-9].*|\*))$`)
	recorded  = regexp.MustCompile(`\bjob:\w+:\w+`)
	// selector matches a metric or a recorded series with its labels.
	selector = regexp.MustCompile(`\b(job:\w+:\w+|up\b|(reporting|go|process)_\w+)(\{[^}]*\})?`)
)

func selectors(expr string) []string {
	list := selector.FindAllString(expr, -1)
	slices.Sort(list)
	return slices.Compact(list)
}

type tally struct{ found, missing int }

// names checks that each metric in a document, panel or rule exists, and that docs/metrics.md
// documents each metric that exists.
func (f *findings) names(t *testing.T, exposed map[string]bool) (n tally) {
	t.Helper()
	mentions := map[string][]string{} // documents by name of a metric
	mention := func(where, text string) {
		for _, name := range metric.FindAllString(recorded.ReplaceAllString(text, ""), -1) {
			if !notMetric.MatchString(name) && !slices.Contains(mentions[name], where) {
				mentions[name] = append(mentions[name], where)
			}
		}
	}
	for _, row := range dashboard.Rows() {
		for _, panel := range row.Panels {
			for _, query := range panel.Queries {
				mention("dashboard", query.Expr)
			}
		}
	}
	all, err := rules.Read(rulesPath)
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range all {
		mention("rules", rule.Expr)
	}
	documents, err := filepath.Glob(filepath.Join(root, "docs/*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(documents, filepath.Join(root, "README.md"), filepath.Join(root, "SECURITY.md")) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		mention(filepath.Base(path), string(text))
	}
	for _, name := range slices.Sorted(maps.Keys(mentions)) {
		if covers(name, exposed) {
			n.found++
			continue
		}
		n.missing++
		f.add("metric", name, "is not in /metrics, but in "+strings.Join(mentions[name], ", "))
	}
	f.undocumented(exposed, mentions)
	return n
}

// covers reports whether exposed has the name, or a name that matches its wildcard.
func covers(name string, exposed map[string]bool) bool {
	prefix, open := strings.CutSuffix(name, "*")
	if !open {
		return exposed[name]
	}
	for other := range exposed {
		if strings.HasPrefix(other, prefix) {
			return true
		}
	}
	return false
}

// undocumented finds metrics of the service that docs/metrics.md does not document.
func (f *findings) undocumented(exposed map[string]bool, mentions map[string][]string) {
	for _, name := range slices.Sorted(maps.Keys(exposed)) {
		if !strings.HasPrefix(name, "reporting_") {
			continue
		}
		known := false
		for other, where := range mentions {
			prefix, open := strings.CutSuffix(other, "*")
			fits := other == name || strings.HasPrefix(name, prefix) && open ||
				slices.Contains([]string{other + "_bucket", other + "_sum", other + "_count"}, name)
			known = known || fits && slices.Contains(where, "metrics.md")
		}
		if !known {
			f.add("metric", name, "is in /metrics, but not in docs/metrics.md")
		}
	}
}

func TestDescribed(t *testing.T) {
	t.Parallel()
	got := described("# HELP a An a.\n# TYPE a histogram\na_sum 1\n# TYPE b gauge\nb 2\n# HELP c A c.\n# TYPE c gauge\nc 3\n")
	if want := []string{"a", "a_bucket", "a_count", "a_sum", "c"}; !slices.Equal(slices.Sorted(maps.Keys(got)), want) {
		t.Errorf("%v, want %q", got, want)
	}
}

func TestSelectors(t *testing.T) {
	t.Parallel()
	got := selectors(`sum by (job, up_time) (rate(reporting_x_total{a="b",le="0.5"}[5m])) / on (job) job:reporting_y:ratio_rate5m > 1 and up{job="reporting"} == 0`)
	want := []string{`job:reporting_y:ratio_rate5m`, `reporting_x_total{a="b",le="0.5"}`, `up{job="reporting"}`}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	at := func(values ...string) series {
		var s series
		for _, value := range values {
			s.Values = append(s.Values, [2]any{1.0, value})
		}
		return s
	}
	for want, result := range map[string][]series{
		"":                  {at("NaN", "0"), at("0", "2.5")},
		"only zeros": {at("0", "NaN")},
		"no data":           {at("NaN")},
	} {
		if got := judge(result, nil); got != want {
			t.Errorf("%v: %q, want %q", result, got, want)
		}
	}
	if judge(nil, nil) != "no data" {
		t.Error("no series count as data")
	}
}
