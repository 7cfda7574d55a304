// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"reporting/api"
)

// Every line of the contract has a test that is named after it, and every such
// test a line.
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
	name := regexp.MustCompile(`^TestW(\d+)`)
	for _, file := range files {
		parsed, err := parser.ParseFile(gotoken.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range parsed.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(function.Name.Name, "TestW") {
				continue
			}
			m := name.FindStringSubmatch(function.Name.Name)
			if m == nil {
				t.Errorf("%s names no line", function.Name.Name)
				continue
			}
			if _, known := lines[m[1]]; !known {
				t.Errorf("%s tests a line that the contract does not have", function.Name.Name)
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
