// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// What is drawn is sound XML with the title, the units and the legends, also where no
// call was answered right.
func TestOverload(t *testing.T) {
	t.Parallel()
	var points []Point
	for n := range 9 {
		points = append(points, Point{
			Offered: float64(9-n) * 2000, Right: float64(min(9-n, 4) * 2000), Refused: float64(max(5-n, 0) * 2000),
			P50: time.Duration(9-n) * time.Millisecond, P99: time.Duration(9-n) * 50 * time.Millisecond,
		})
	}
	points[0].Right, points[0].P50, points[0].P99 = 0, 0, 0
	before := slices.Clone(points)
	var b bytes.Buffer
	if err := Overload(&b, "Load & overload", points); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(points, before) {
		t.Error("the points of the caller were put in order")
	}
	var text strings.Builder
	for decoder := xml.NewDecoder(&b); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if data, ok := token.(xml.CharData); ok {
			text.Write(append(data, '\n'))
		}
	}
	for _, word := range []string{"Load & overload", "offered calls/s", "calls/s", "ms since", "answered right", "refused", "p99", "p50", "10,000"} {
		if !strings.Contains(text.String(), word) {
			t.Errorf("the plot does not say %q", word)
		}
	}
	if err := Overload(&b, "", nil); err == nil {
		t.Error("nothing is drawn without complaint")
	}
	if err := Overload(&b, "", []Point{{Offered: 1}}); err != nil {
		t.Errorf("no right answer: %v", err)
	}
}
