// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

const printed = `pgbench (15.8)
transaction type: script.sql
scaling factor: 1
query mode: prepared
number of clients: 8
number of threads: 2
maximum number of tries: 1
duration: 4 s
number of transactions actually processed: 32101
number of failed transactions: 0 (0.000%)
latency average = 0.997 ms
initial connection time = 8.345 ms
tps = 8023.404161 (without initial connection time)
`

func TestReadBench(t *testing.T) {
	t.Parallel()
	got, err := readBench(printed)
	if err != nil || got.PerSecond != 8023.404161 || got.Mean != 997*time.Microsecond || got.Calls != 32101 {
		t.Errorf("%+v: %v", got, err)
	}
	for _, line := range []string{"tps = ", "latency average = ", "number of transactions actually processed: "} {
		if got, err := readBench(strings.Replace(printed, line, "something else ", 1)); err == nil {
			t.Errorf("without %q: %+v", line, got)
		}
	}
}

func TestReadTimes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"times.1":   "0 1 300 0 1700000000 1\n1 1 100 0 1700000000 2\n",
		"times.1.1": "2 1 200 0 1700000000 3\n",
		"other":     "not a log",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := []time.Duration{100 * time.Microsecond, 200 * time.Microsecond, 300 * time.Microsecond}
	if got, err := readTimes(dir); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v: %v", got, err)
	}
	for _, broken := range []string{"1 1\n", "1 1 soon 0 1 2\n"} {
		if err := os.WriteFile(filepath.Join(dir, "times.2"), []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := readTimes(dir); err == nil {
			t.Errorf("%q: %v", broken, got)
		}
	}
}

func TestGauge(t *testing.T) {
	t.Parallel()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader("# TYPE a gauge\na{state=\"idle\"} 3\na{state=\"in_use\"} 5\n# TYPE b gauge\nb 7\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		family *dto.MetricFamily
		label  string
		want   float64
		found  bool
	}{
		{families["a"], "in_use", 5, true},
		{families["a"], "lost", 0, false},
		{families["b"], "", 7, true},
		{families["c"], "", 0, false},
	} {
		if got, found := gauge(tt.family, tt.label); got != tt.want || found != tt.found {
			t.Errorf("%s %q: %v, %v", tt.family.GetName(), tt.label, got, found)
		}
	}
}

// No two tokens are the same, or what is measured as new would be remembered.
func TestTokensDiffer(t *testing.T) {
	t.Parallel()
	issuer, err := StartIssuer()
	if err != nil {
		t.Fatal(err)
	}
	defer issuer.Stop()
	tokens, err := issuer.Tokens(t.Context(), []string{"1", "1", "2", "2"})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(tokens)
	if got := len(slices.Compact(tokens)); got != 4 {
		t.Errorf("%d different tokens of 4", got)
	}
}
