// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"path/filepath"
	"regexp"
	"testing"

	"reporting/api"
)

// Every line of api/wire.md has a test whose name begins with its number, and every
// such test has a line. The rest of the name says what the line promises.
func TestEveryLineHasATest(t *testing.T) {
	t.Parallel()
	lines := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| W-(\d+) \|`).FindAllStringSubmatch(api.Wire, -1) {
		lines[m[1]] = false
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	ofLine, name := regexp.MustCompile(`^TestW\d`), regexp.MustCompile(`^TestW(\d+)_[A-Z]\w+$`)
	for _, file := range files {
		parsed, err := parser.ParseFile(gotoken.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range parsed.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok || !ofLine.MatchString(function.Name.Name) {
				continue
			}
			m := name.FindStringSubmatch(function.Name.Name)
			if m == nil {
				t.Errorf("%s does not have the form TestW27_WhatTheLinePromises", function.Name.Name)
				continue
			}
			if _, known := lines[m[1]]; !known {
				t.Errorf("%s: api/wire.md has no line W-%s", function.Name.Name, m[1])
			}
			lines[m[1]] = true
		}
	}
	for id, tested := range lines {
		if !tested {
			t.Errorf("W-%s has no test", id)
		}
	}
	if len(lines) == 0 {
		t.Error("no lines found in api/wire.md")
	}
}
