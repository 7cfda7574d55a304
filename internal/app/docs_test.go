// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// documents are the Markdown files of the repository, as patterns.
var documents = []string{"*.md", "docs/*.md", "docs/*/*.md", "api/*.md", "test/*/*.md"}

func TestReadmeIsShort(t *testing.T) {
	t.Parallel()
	const limit = 200
	text, err := os.ReadFile(path.Join(root(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines > limit {
		t.Errorf("README.md has %d lines, more than %d: move tables to docs/", lines, limit)
	}
}

func TestDocsResolve(t *testing.T) {
	t.Parallel()
	checked, faults, err := checkDocs(os.DirFS(root(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "docs/architecture.md", "docs/runbook.md"} {
		if !slices.Contains(checked, name) {
			t.Errorf("%s is not checked, only %q", name, checked)
		}
	}
	for _, fault := range faults {
		t.Error(fault)
	}
}

func TestDocsCheckFindsFaults(t *testing.T) {
	t.Parallel()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	_, faults, err := checkDocs(fstest.MapFS{
		"README.md": file("# Top\n\n" +
			"[file](docs/a.md) [anchor](docs/a.md#a-good-one) [own](#top) [web](https://example.org/x) [dir](docs)\n" +
			"[no file](docs/b.md) [no anchor](docs/a.md#bad) [no own](#bad)\n" +
			"`internal/x/x.go` `Known`, `unknown`; `internal/y.go`, `internal/*.go`\n" +
			"| step | package | function |\n|---|---|---|\n| 1 | `x` | `Known` or `Absent` | a |\n| 2 | `y` | `Any` | b |\n" +
			"`make good`, `make bad X=1`, `make -C tools good`\n```\nmake worse\n```\nit cannot\nmake sense\n" +
			"the log message `it works`, the log message\n`it fails`\n" +
			"```\n[fenced](nowhere) `internal/z.go`\n```\n"),
		"Makefile":        file("good: x\n"),
		"docs/a.md":       file("## A `good` one\n\n[up](../README.md) [wrong](README.md)\n"),
		"internal/x/x.go": file("package x\n\nfunc Known() { log.Info(\"it works\") }\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"README.md: docs/a.md has no heading for #bad",
		"README.md: README.md has no heading for #bad",
		"README.md: internal/x/x.go has no unknown",
		"README.md: Makefile has no target bad",
		"README.md: Makefile has no target worse",
		"README.md: package x has no function Absent",
		"README.md: there is no package y",
		"README.md: tools/Makefile has no target good",
		"README.md: no package logs \"it fails\"",
		"README.md: there is no docs/b.md",
		"README.md: there is no internal/y.go",
		"docs/a.md: there is no docs/README.md",
	}
	slices.Sort(want)
	slices.Sort(faults)
	if !slices.Equal(faults, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(faults, "\n"), strings.Join(want, "\n"))
	}
}

var (
	fence  = regexp.MustCompile("(?ms)^```.*?^```$")
	inline = regexp.MustCompile("`[^`]+`")
	link   = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	// sourcePath is a path of the repository in backticks. Names in backticks may follow it,
	// separated by commas: identifiers that the file contains.
	sourcePath = regexp.MustCompile("`((?:internal|cmd|migrations|deploy|tools|test|api|docs)/[\\w./-]*)`((?:,? `\\w+`)*)")
	// logMessage is a message of the log that a document tells operators to look for.
	logMessage = regexp.MustCompile("log\\smessages?\\s`([^`]+)`")
	// makeTarget is a target of make, in backticks or at the beginning of a line of a block.
	makeTarget = regexp.MustCompile("(?:`|(?m:^))make (-C tools )?([a-z][a-z-]*)")
	// step is a row of a path through the code: a number, a package below internal, its functions.
	step       = regexp.MustCompile("(?m)^\\| \\d+ \\| `([\\w/]+)` \\| ([^|]*) \\|")
	identifier = regexp.MustCompile("`(\\w+)`")
	heading    = regexp.MustCompile(`(?m)^#+ (.*)$`)
	unsluggish = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// checkDocs lists the documents of a repository, and what is wrong in them: relative links to
// missing files or headings, missing source files, identifiers that a file does not contain, log
// messages that no package writes, targets that make does not have, and steps whose package has
// no such function.
func checkDocs(repository fs.FS) (checked, faults []string, err error) {
	for _, pattern := range documents {
		names, err := fs.Glob(repository, pattern)
		if err != nil {
			return nil, nil, err
		}
		checked = append(checked, names...)
	}
	literals, err := sources(repository, "internal")
	if err != nil {
		return nil, nil, err
	}
	for _, name := range checked {
		text, err := fs.ReadFile(repository, name)
		if err != nil {
			return nil, nil, err
		}
		prose := fence.ReplaceAllString(string(text), "")
		for _, found := range link.FindAllStringSubmatch(prose, -1) {
			faults = append(faults, checkLink(repository, name, found[1])...)
		}
		for _, found := range sourcePath.FindAllStringSubmatch(prose, -1) {
			faults = append(faults, checkSource(repository, name, found[1], found[2])...)
		}
		commands := strings.Join(append(fence.FindAllString(string(text), -1), inline.FindAllString(prose, -1)...), "\n")
		for _, found := range makeTarget.FindAllStringSubmatch(commands, -1) {
			faults = append(faults, checkTarget(repository, name, found[1] != "", found[2])...)
		}
		for _, found := range step.FindAllStringSubmatch(prose, -1) {
			faults = append(faults, checkStep(repository, name, found[1], found[2])...)
		}
		for _, found := range logMessage.FindAllStringSubmatch(prose, -1) {
			if !strings.Contains(literals, `"`+found[1]+`"`) {
				faults = append(faults, fmt.Sprintf("%s: no package logs %q", name, found[1]))
			}
		}
	}
	return checked, faults, nil
}

// sources is the text of all Go files below a folder, without tests.
func sources(repository fs.FS, folder string) (string, error) {
	var all strings.Builder
	err := fs.WalkDir(repository, folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := fs.ReadFile(repository, name)
		all.Write(text)
		return err
	})
	return all.String(), err
}

func checkLink(repository fs.FS, document, target string) []string {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return nil
	}
	file, anchor, _ := strings.Cut(target, "#")
	name := document
	if file != "" {
		name = path.Join(path.Dir(document), file)
	}
	if missing(repository, name) {
		return []string{fmt.Sprintf("%s: there is no %s", document, name)}
	}
	if anchor == "" || path.Ext(name) != ".md" {
		return nil
	}
	text, err := fs.ReadFile(repository, name)
	if err != nil || !slices.Contains(anchors(string(text)), anchor) {
		return []string{fmt.Sprintf("%s: %s has no heading for #%s", document, name, anchor)}
	}
	return nil
}

// anchors are those of the headings, as GitHub makes them.
func anchors(text string) (list []string) {
	for _, found := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		list = append(list, strings.ReplaceAll(unsluggish.ReplaceAllString(strings.ToLower(found[1]), ""), " ", "-"))
	}
	return list
}

func checkSource(repository fs.FS, document, name, identifiers string) (faults []string) {
	if missing(repository, strings.TrimSuffix(name, "/")) {
		return []string{fmt.Sprintf("%s: there is no %s", document, name)}
	}
	if path.Ext(name) != ".go" {
		return nil
	}
	text, err := fs.ReadFile(repository, name)
	if err != nil {
		return []string{err.Error()}
	}
	for _, found := range identifier.FindAllStringSubmatch(identifiers, -1) {
		if !regexp.MustCompile(`\b` + found[1] + `\b`).Match(text) {
			faults = append(faults, fmt.Sprintf("%s: %s has no %s", document, name, found[1]))
		}
	}
	return faults
}

func checkStep(repository fs.FS, document, name, functions string) (faults []string) {
	text, err := sources(repository, path.Join("internal", name))
	if err != nil {
		return []string{fmt.Sprintf("%s: there is no package %s", document, name)}
	}
	for _, found := range identifier.FindAllStringSubmatch(functions, -1) {
		if !regexp.MustCompile(`(?m)^(func|type) (\([^)]*\) )?` + found[1] + `\b`).MatchString(text) {
			faults = append(faults, fmt.Sprintf("%s: package %s has no function %s", document, name, found[1]))
		}
	}
	return faults
}

func checkTarget(repository fs.FS, document string, tools bool, target string) []string {
	name := "Makefile"
	if tools {
		name = "tools/Makefile"
	}
	text, _ := fs.ReadFile(repository, name) // no file has no targets
	if regexp.MustCompile(`(?m)^([a-z-]+ )*` + target + `( [a-z-]+)*:`).Match(text) {
		return nil
	}
	return []string{fmt.Sprintf("%s: %s has no target %s", document, name, target)}
}

func missing(repository fs.FS, name string) bool {
	_, err := fs.Stat(repository, name)
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid)
}
