// SPDX-License-Identifier: Apache-2.0

// Package figures formats measurements: medians with their range, and Markdown tables. It knows
// no measurement; the tools import it.
package figures

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Median returns the median of some values.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// Ratios divides each value by the value of the same round. It skips a round without one of the
// two.
func Ratios(values, by []float64) []float64 {
	var ratios []float64
	for i := range min(len(values), len(by)) {
		if by[i] > 0 {
			ratios = append(ratios, values[i]/by[i])
		}
	}
	return ratios
}

// Nothing is the text of a missing value.
const Nothing = "–"

// Spread returns the median of values with the least and the greatest one, formatted by format.
func Spread(values []float64, format func(float64) string) string {
	switch len(values) {
	case 0:
		return Nothing
	case 1:
		return format(values[0])
	}
	return fmt.Sprintf("%s (%s–%s)", format(Median(values)), format(slices.Min(values)), format(slices.Max(values)))
}

// Count formats a number without decimals and with separated thousands.
func Count(v float64) string {
	text := strconv.FormatFloat(v, 'f', 0, 64)
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return sign + text
}

// Decimals returns a function that formats numbers with n decimals.
func Decimals(n int) func(float64) string {
	return func(v float64) string { return strconv.FormatFloat(v, 'f', n, 64) }
}

// Milliseconds formats a time with a sensible number of decimals.
func Milliseconds(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms >= 100:
		return Count(ms)
	case ms >= 10:
		return Decimals(1)(ms)
	}
	return Decimals(2)(ms)
}

// Megabytes formats a number of bytes.
func Megabytes(bytes float64) string { return Decimals(1)(bytes / (1 << 20)) }
