// SPDX-License-Identifier: Apache-2.0

package fhir_test

import (
	"testing"
	"time"

	"reporting/internal/fhir"
)

func TestParseDateTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026":                          "2026-01-01T00:00:00Z",
		"2026-03":                       "2026-03-01T00:00:00Z",
		"2026-03-01":                    "2026-03-01T00:00:00Z",
		"2026-03-01T12:00:00Z":          "2026-03-01T12:00:00Z",
		"2026-03-01T12:00:00+01:00":     "2026-03-01T11:00:00Z",
		"2026-03-01T12:00:00.123456Z":   "2026-03-01T12:00:00.123456Z",
		"2024-02-29":                    "2024-02-29T00:00:00Z",
		"0001-01-01T00:00:00-00:00":     "0001-01-01T00:00:00Z",
		"9999-12-31T23:59:59.999-14:00": "10000-01-01T13:59:59.999Z",
		"":                              "",
		"20260301":                      "",
		"2026-3-1":                      "",
		"2026-02-30":                    "",
		"2026-13":                       "",
		"2026-03-01T12:00Z":             "", // Go would not, but other readers do
		"2026-03-01T12:00:00":           "",
		"2026-03-01 12:00:00Z":          "",
		"2026-03-01t12:00:00z":          "",
		"2026-03-01T24:00:00Z":          "",
		"2026-03-01T12:00:60Z":          "", // a leap second, which no clock here knows
		"2026-03-01T12:00:00,5Z":        "", // Go reads a comma
		"2026-03-01T12:00:00+0100":      "",
		"+2026-03-01":                   "",
		"2026-03-01\n":                  "",
		"infinity":                      "",
	} {
		got, err := fhir.ParseDateTime(text)
		if (err != nil) != (want == "") {
			t.Errorf("%q: %v, want %q", text, err, want)
		} else if err == nil && got.UTC().Format(time.RFC3339Nano) != want {
			t.Errorf("%q: %s, want %s", text, got.UTC().Format(time.RFC3339Nano), want)
		}
	}
}
