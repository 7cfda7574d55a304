// SPDX-License-Identifier: Apache-2.0

package figures

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Table is a Markdown table. The first column is text, the others are numbers.
type Table struct {
	columns []string
	rows    [][]string
}

// NewTable returns a table with headings.
func NewTable(columns ...string) *Table { return &Table{columns: columns} }

// Row adds a row. Missing cells are empty; too many cells are a programming error.
func (t *Table) Row(cells ...string) {
	if len(cells) > len(t.columns) {
		panic(fmt.Sprintf("a row of %d cells in a table of %d columns", len(cells), len(t.columns)))
	}
	row := make([]string, len(t.columns))
	copy(row, cells)
	t.rows = append(t.rows, row)
}

// String returns the table with aligned columns.
func (t *Table) String() string {
	width := make([]int, len(t.columns))
	all := [][]string{escaped(t.columns)}
	for _, row := range t.rows {
		all = append(all, escaped(row))
	}
	for _, row := range all {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell), len("-:"))
		}
	}
	var b strings.Builder
	for n, row := range all {
		for i, cell := range row {
			blanks := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				cell += blanks
			} else {
				cell = blanks + cell
			}
			b.WriteString("| " + cell + " ")
		}
		b.WriteString("|\n")
		if n == 0 {
			b.WriteString(rule(width))
		}
	}
	return b.String()
}

func rule(width []int) string {
	var b strings.Builder
	for i, w := range width {
		if i == 0 {
			b.WriteString("|" + strings.Repeat("-", w+2))
		} else {
			b.WriteString("|" + strings.Repeat("-", w+1) + ":")
		}
	}
	return b.String() + "|\n"
}

// escaped escapes the separators in cells.
func escaped(cells []string) []string {
	out := make([]string, len(cells))
	for i, cell := range cells {
		out[i] = strings.NewReplacer("|", `\|`, "\n", " ").Replace(cell)
	}
	return out
}
