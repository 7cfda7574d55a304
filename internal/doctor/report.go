// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Report is all that was found.
type Report struct {
	Findings []Finding `json:"findings"`
	Wrong    int       `json:"wrong"`
	Warnings int       `json:"warnings"`
	NotRun   int       `json:"notRun"`
}

func (r *Report) add(f Finding) {
	r.Findings = append(r.Findings, f)
	switch f.Result {
	case Wrong:
		r.Wrong++
	case Warning:
		r.Warnings++
	case NotRun:
		r.NotRun++
	case OK:
	}
}

// Print writes a finding for people: what is so on one line, what to do on the next.
func Print(w io.Writer, f Finding) {
	const indent = 21
	_, _ = fmt.Fprintf(w, "%-7s  %-11s %s\n", f.Result, f.Area, oneLine(f.Text))
	if f.Mend != "" {
		_, _ = fmt.Fprintf(w, "%*smend: %s\n", indent, "", oneLine(f.Mend))
	}
}

// Sum writes the last line for people.
func (r *Report) Sum(w io.Writer) {
	_, _ = fmt.Fprintf(w, "\n%s, %s, %d not run, %d ok\n", number(r.Wrong, "thing is wrong", "things are wrong"),
		number(r.Warnings, "warning", "warnings"), r.NotRun, len(r.Findings)-r.Wrong-r.Warnings-r.NotRun)
}

// JSON writes the report for programs.
func (r *Report) JSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}

func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// oneLine keeps what others wrote, such as the messages of libraries, from breaking lines
// or steering the terminal.
func oneLine(text string) string {
	printable := strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(printable), " ")
}
