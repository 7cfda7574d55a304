// SPDX-License-Identifier: Apache-2.0

package live_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

var (
	sqlBlock    = regexp.MustCompile("(?s)```sql\n(.*?)```")
	promqlBlock = regexp.MustCompile("(?s)```promql\n(.*?)```")
	// inline matches PromQL within a sentence.
	inline = regexp.MustCompile("`((?:sum|min|max) by [^`]+|reporting_\\w+\\{[^`]+)`")
)

// runbook runs each SQL statement and each PromQL query of the runbook.
func (f *findings) runbook(t *testing.T, s *scene) {
	t.Helper()
	bytes, err := os.ReadFile(filepath.Join(root, "docs/runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(bytes)
	statements, queries := parts(text)
	if len(statements) == 0 || len(queries) == 0 {
		t.Fatalf("the runbook has %d statements and %d queries", len(statements), len(queries))
	}
	conn, err := pgx.Connect(t.Context(), owner(s.primary))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	for _, statement := range statements {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			f.add("runbook", statement, err.Error())
		}
	}
	for _, query := range queries {
		if _, err := s.recorder.now(t.Context(), query); err != nil {
			f.add("runbook", query, err.Error())
		}
	}
}

// parts returns the SQL blocks of a text, and its PromQL queries: one per line of a block, or within
// a sentence.
func parts(text string) (statements, queries []string) {
	for _, block := range sqlBlock.FindAllStringSubmatch(text, -1) {
		statements = append(statements, block[1])
	}
	for _, block := range promqlBlock.FindAllStringSubmatch(text, -1) {
		queries = append(queries, strings.Split(strings.TrimSpace(block[1]), "\n")...)
	}
	for _, match := range inline.FindAllStringSubmatch(text, -1) {
		queries = append(queries, match[1])
	}
	return statements, queries
}

func TestParts(t *testing.T) {
	t.Parallel()
	statements, queries := parts("a `sum by (x) (y)` b `SELECT 1`\n```sql\nselect 1;\nselect 2;\n```\n```promql\na\nb\n```\n`reporting_x{a=\"b\"}` `reporting_x`\n")
	if len(statements) != 1 || strings.Join(queries, "|") != `a|b|sum by (x) (y)|reporting_x{a="b"}` {
		t.Errorf("%q, %q", statements, queries)
	}
}
