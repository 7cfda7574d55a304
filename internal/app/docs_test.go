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
			"`internal/x.go` `Known`, `unknown`; `internal/y.go`, `internal/*.go`\n" +
			"the log message `it works`, the log message\n`it fails`\n" +
			"```\n[fenced](nowhere) `internal/z.go`\n```\n"),
		"docs/a.md":     file("## A `good` one\n\n[up](../README.md) [wrong](README.md)\n"),
		"internal/x.go": file("package x\n\nfunc Known() { log.Info(\"it works\") }\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"README.md: docs/a.md has no heading for #bad",
		"README.md: README.md has no heading for #bad",
		"README.md: internal/x.go has no unknown",
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
	fence = regexp.MustCompile("(?ms)^```.*?^```$")
	link  = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	// sourcePath is a path of the repository in backticks. Names in backticks may follow it,
	// separated by commas: identifiers that the file contains.
	sourcePath = regexp.MustCompile("`((?:internal|cmd|migrations|deploy|tools|test|api|docs)/[\\w./-]*)`((?:,? `\\w+`)*)")
	// logMessage is a message of the log that a document tells operators to look for.
	logMessage = regexp.MustCompile("log\\smessages?\\s`([^`]+)`")
	identifier = regexp.MustCompile("`(\\w+)`")
	heading    = regexp.MustCompile(`(?m)^#+ (.*)$`)
	unsluggish = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// checkDocs lists the documents of a repository, and what is wrong in them: relative links to
// missing files or headings, missing source files, identifiers that a file does not contain, and
// log messages that no package writes.
func checkDocs(repository fs.FS) (checked, faults []string, err error) {
	for _, pattern := range documents {
		names, err := fs.Glob(repository, pattern)
		if err != nil {
			return nil, nil, err
		}
		checked = append(checked, names...)
	}
	literals, err := sources(repository)
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
		for _, found := range logMessage.FindAllStringSubmatch(prose, -1) {
			if !strings.Contains(literals, `"`+found[1]+`"`) {
				faults = append(faults, fmt.Sprintf("%s: no package logs %q", name, found[1]))
			}
		}
	}
	return checked, faults, nil
}

// sources is the text of all Go files below internal, without tests.
func sources(repository fs.FS) (string, error) {
	var all strings.Builder
	err := fs.WalkDir(repository, "internal", func(name string, entry fs.DirEntry, err error) error {
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

func missing(repository fs.FS, name string) bool {
	_, err := fs.Stat(repository, name)
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid)
}
