// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	isc = `Copyright (c) 2020 Somebody

Permission to use, copy, modify, and/or distribute this software for any
purpose with or without fee is hereby granted, provided that the above
copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH
REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND
FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS
OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER
TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
THIS SOFTWARE.
`
	gpl = `This program is free software: you can redistribute it and/or modify
it under the terms of the GNU General Public License as published by
the Free Software Foundation, either version 3 of the License, or
(at your option) any later version.

This program is distributed in the hope that it will be useful,
but WITHOUT ANY WARRANTY; without even the implied warranty of
MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
GNU General Public License for more details.

You should have received a copy of the GNU General Public License
along with this program.  If not, see <https://www.gnu.org/licenses/>.
`
	condition = `
Hospitals and companies of more than ten people need a written agreement with the author first.
`
)

// A module is a folder of files here; the package of interest is below it.
func TestProblems(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		files map[string]string
		want  string // a part of the one problem, or nothing
	}{
		{"allowed", map[string]string{"LICENSE": isc}, ""},
		{"another name", map[string]string{"COPYING.txt": isc}, ""},
		{"beside the package only", map[string]string{"a/b/LICENSE": isc}, ""},
		{"not on the list", map[string]string{"LICENSE": gpl}, "LICENSE has GPL-3.0"},
		{"not on the list, beside the package", map[string]string{"LICENSE": isc, "a/LICENSE.other": gpl}, "a/LICENSE.other has GPL-3.0"},
		{"of a package that is not linked", map[string]string{"LICENSE": isc, "c/LICENSE": gpl}, ""},
		{"with a condition", map[string]string{"LICENSE": isc + condition}, "unknown text"},
		{"unknown", map[string]string{"LICENSE": "All rights reserved."}, "100 % unknown text"},
		{"none", map[string]string{"README": isc}, "no licence covers the package example.org/m/a/b"},
		{"a notice is none", map[string]string{"NOTICE": isc}, "no licence covers the package example.org/m/a/b"},
		{"code is none", map[string]string{"license.go": isc}, "no licence covers the package example.org/m/a/b"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := &linkedModule{Path: "example.org/m", Version: "v1.2.3", Dir: folder(t, test.files)}
			if err := m.add("example.org/m/a/b", filepath.Join(m.Dir, "a", "b")); err != nil {
				t.Fatal(err)
			}
			err := errors.Join(m.problems()...)
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), "example.org/m v1.2.3: ") ||
				!strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n")):
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// What is linked into this program itself is known: one module, and Go.
func TestRun(t *testing.T) {
	t.Parallel()
	var table bytes.Buffer
	notices := filepath.Join(t.TempDir(), "new", "NOTICES")
	if err := run([]string{"-o", notices, "."}, &table); err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(table.String()) {
		rows = append(rows, strings.Fields(line))
	}
	if len(rows) != 2 || rows[0][0] != "std" || rows[0][2] != "BSD-3-Clause" ||
		!slices.Equal(rows[1], []string{"github.com/google/licensecheck", "v0.3.1", "BSD-3-Clause"}) {
		t.Errorf("the table is %q", rows)
	}
	text, err := os.ReadFile(notices)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"\nstd go1.", ": LICENSE\n", ": PATENTS\n", "\ngithub.com/google/licensecheck v0.3.1: LICENSE\n", "Redistributions in binary form"} {
		if !bytes.Contains(text, []byte(part)) {
			t.Errorf("the texts are without %q", part)
		}
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"."}, {"-o", "x"}, {"-o", filepath.Join(t.TempDir(), "x"), "./missing"}} {
		if err := run(args, &bytes.Buffer{}); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
