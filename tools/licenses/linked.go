// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// Most of a licence's file has to be known text, or what is not known may be a
// condition that somebody added. The rest is copyright lines and headings.
const minimumKnown = 95 // per cent

var (
	licenceFile = regexp.MustCompile(`(?i)^(un)?licen[cs]e|^copying`)
	noticeFile  = regexp.MustCompile(`(?i)^(notice|patents|copyright)`)
)

// linkedModule is a module of which some package is in the program.
type linkedModule struct {
	Path, Version, Dir string

	texts []text
	bare  []string // packages that no licence covers
}

// text is a file that has to go along with the program.
type text struct {
	name, content string
	licence       bool     // or a notice that belongs to one
	ids           []string // the licences in it
}

// goPackage is what go list says about one.
type goPackage struct {
	ImportPath, Dir string
	Standard        bool
	Module          *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// linked finds the modules behind packages, sorted, with their texts.
func linked(dir string, names []string) ([]*linkedModule, error) {
	library, err := standardLibrary(dir)
	if err != nil {
		return nil, err
	}
	modules := map[string]*linkedModule{}
	for _, platform := range platforms {
		list, err := dependencies(dir, platform, names)
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			if p.Standard || p.Module == nil || p.Module.Main {
				continue
			}
			m, known := modules[p.Module.Path]
			if !known {
				m = &linkedModule{Path: p.Module.Path, Version: p.Module.Version, Dir: p.Module.Dir}
				modules[m.Path] = m
			}
			if err := m.add(p.ImportPath, p.Dir); err != nil {
				return nil, err
			}
		}
	}
	sorted := slices.SortedFunc(maps.Values(modules), func(a, b *linkedModule) int { return cmp.Compare(a.Path, b.Path) })
	return append([]*linkedModule{library}, sorted...), nil
}

// standardLibrary is in every program. What it vendors is by the same authors under
// the same text; the one folder with another licence is not linked without an
// experiment that has to be asked for. So the files at its root say it all.
func standardLibrary(dir string) (*linkedModule, error) {
	output, err := command(dir, nil, "env", "GOROOT", "GOVERSION")
	if err != nil {
		return nil, err
	}
	words := strings.Split(strings.TrimSpace(string(output)), "\n")
	if len(words) != 2 {
		return nil, fmt.Errorf("go env prints %q", output)
	}
	library := &linkedModule{Path: "std", Version: words[1], Dir: words[0]}
	if err := library.add("std", library.Dir); err != nil {
		return nil, err
	}
	if len(library.bare) > 0 {
		return nil, fmt.Errorf("%s has no LICENSE, which some distributions leave out; with GOTOOLCHAIN=%s+auto Go fetches itself in full",
			library.Dir, library.Version)
	}
	return library, nil
}

func dependencies(dir, platform string, names []string) ([]goPackage, error) {
	system, architecture, _ := strings.Cut(platform, "/")
	environment := []string{"CGO_ENABLED=0", "GOOS=" + system, "GOARCH=" + architecture}
	output, err := command(dir, environment, append([]string{"list", "-deps", "-json=ImportPath,Dir,Standard,Module", "--"}, names...)...)
	if err != nil {
		return nil, err
	}
	var list []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
}

func command(dir string, environment []string, args ...string) ([]byte, error) {
	process := exec.CommandContext(context.Background(), "go", args...) //nolint:gosec // the caller says what to list
	process.Dir = dir
	process.Env = append(os.Environ(), environment...)
	process.Stderr = os.Stderr
	output, err := process.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", args[0], err)
	}
	return output, nil
}

// add takes the texts of a package: those beside it and those further up in its
// module, because a folder of foreign origin has its own.
func (m *linkedModule) add(name, dir string) error {
	covered := false
	for at := dir; ; at = filepath.Dir(at) {
		found, err := m.read(at)
		if err != nil {
			return err
		}
		covered = covered || found
		if at == m.Dir {
			break
		}
		if at == filepath.Dir(at) {
			return fmt.Errorf("%s is not inside of %s", dir, m.Dir)
		}
	}
	if !covered && !slices.Contains(m.bare, name) {
		m.bare = append(m.bare, name)
	}
	return nil
}

// read takes the texts of one folder, once, and says whether a licence is there.
func (m *linkedModule) read(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	covered := false
	for _, entry := range entries {
		licence := licenceFile.MatchString(entry.Name())
		if entry.IsDir() || filepath.Ext(entry.Name()) == ".go" || !licence && !noticeFile.MatchString(entry.Name()) {
			continue
		}
		covered = covered || licence
		path := filepath.Join(dir, entry.Name())
		name, err := filepath.Rel(m.Dir, path)
		if err != nil {
			return false, err
		}
		name = filepath.ToSlash(name)
		if slices.ContainsFunc(m.texts, func(t text) bool { return t.name == name }) {
			continue
		}
		content, err := os.ReadFile(path) //nolint:gosec // go list named the folder
		if err != nil {
			return false, err
		}
		t := text{name: name, content: string(content), licence: licence}
		if licence {
			t.ids = identify(content)
		}
		m.texts = append(m.texts, t)
	}
	slices.SortFunc(m.texts, func(a, b text) int { return cmp.Compare(a.name, b.name) })
	return covered, nil
}

// identify names the licences in a text, and says so where there is more to it.
func identify(content []byte) []string {
	scan := licensecheck.Scan(content)
	var ids []string
	for _, match := range scan.Match {
		if !slices.Contains(ids, match.ID) {
			ids = append(ids, match.ID)
		}
	}
	if scan.Percent < minimumKnown {
		ids = append(ids, fmt.Sprintf("%.0f %% unknown text", 100-scan.Percent))
	}
	return ids
}
