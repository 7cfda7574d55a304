// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Report holds all findings and their counts.
type Report struct {
	Findings []Finding `json:"findings"`
	Errors   int       `json:"errors"`
	Warnings int       `json:"warnings"`
	Skipped  int       `json:"skipped"`
}

func (r *Report) add(f Finding) {
	r.Findings = append(r.Findings, f)
	switch f.Result {
	case Error:
		r.Errors++
	case Warning:
		r.Warnings++
	case Skipped:
		r.Skipped++
	case OK:
	}
}

// Print writes a finding as text: the message on one line, the remedy on the next.
func Print(w io.Writer, f Finding) {
	const indent = 21
	_, _ = fmt.Fprintf(w, "%-7s  %-11s %s\n", f.Result, f.Area, oneLine(f.Message))
	if f.Remedy != "" {
		_, _ = fmt.Fprintf(w, "%*sremedy: %s\n", indent, "", oneLine(f.Remedy))
	}
}

// PrintSummary writes the last line of the text.
func (r *Report) PrintSummary(w io.Writer) {
	_, _ = fmt.Fprintf(w, "\nerrors: %d, warnings: %d, skipped: %d, ok: %d\n", r.Errors, r.Warnings, r.Skipped,
		len(r.Findings)-r.Errors-r.Warnings-r.Skipped)
}

// PrintJSON writes the report as JSON.
func (r *Report) PrintJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}

// oneLine replaces control characters, so that the message of a library can neither break a
// line nor control the terminal.
func oneLine(text string) string {
	printable := strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(printable), " ")
}
