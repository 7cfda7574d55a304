// SPDX-License-Identifier: Apache-2.0

package figures

import (
	"slices"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{9, 1}, 5},
		{[]float64{9, 1, 2}, 2},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		before := slices.Clone(tt.values)
		if got := Median(tt.values); got != tt.want {
			t.Errorf("the median of %v is %v, want %v", tt.values, got, tt.want)
		}
		if !slices.Equal(before, tt.values) {
			t.Errorf("%v became %v", before, tt.values)
		}
	}
}

// A ratio is one of two figures of the same round; where one is missing there is none.
func TestRatios(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ values, by, want []float64 }{
		{nil, []float64{1}, nil},
		{[]float64{1, 9}, []float64{2, 3}, []float64{0.5, 3}},
		{[]float64{1, 9}, []float64{2, 3, 4}, []float64{0.5, 3}},
		{[]float64{1, 9}, []float64{0, 3}, []float64{3}},
	} {
		if got := Ratios(tt.values, tt.by); !slices.Equal(got, tt.want) {
			t.Errorf("%v by %v is %v, want %v", tt.values, tt.by, got, tt.want)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ got, want string }{
		{Spread(nil, Count), "–"},
		{Spread([]float64{1234.4}, Count), "1,234"},
		{Spread([]float64{3, 1, 2}, Decimals(1)), "2.0 (1.0–3.0)"},
		{Count(0), "0"},
		{Count(999), "999"},
		{Count(-1000), "-1,000"},
		{Count(1_234_567.6), "1,234,568"},
		{Milliseconds(1234 * time.Microsecond), "1.23"},
		{Milliseconds(12345 * time.Microsecond), "12.3"},
		{Milliseconds(12345 * time.Millisecond), "12,345"},
		{Megabytes(3 << 19), "1.5"},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	table := NewTable("what", "ms", "per | s")
	table.Row("a – long – one", "1", "22,222,222")
	table.Row("short")
	const want = "" +
		"| what           | ms |   per \\| s |\n" +
		"|----------------|---:|-----------:|\n" +
		"| a – long – one |  1 | 22,222,222 |\n" +
		"| short          |    |            |\n"
	if got := table.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	defer func() {
		if recover() == nil {
			t.Error("a row with too many cells is taken")
		}
	}()
	table.Row("1", "2", "3", "4")
}
