// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"fmt"
	"strings"
	"testing"
)

// TestTail keeps an error readable, and the memory of a server that complains for days bounded.
func TestTail(t *testing.T) {
	t.Parallel()
	out := quiet()
	if got := out.String(); got != "it said nothing" {
		t.Errorf("empty: %q", got)
	}
	for n := range 1000 {
		_, _ = fmt.Fprintf(out, "line %d\n", n)
	}
	got := out.String()
	if len(out.kept) > tailSize || strings.Contains(got, "\n") || !strings.HasSuffix(got, "; line 998; line 999") {
		t.Errorf("kept %d bytes: %q", len(out.kept), got)
	}
}

// TestScriptWithoutComments: the script is part of every process list.
func TestScriptWithoutComments(t *testing.T) {
	t.Parallel()
	if text := bare(script); strings.Contains(text, "\n#") || strings.HasPrefix(text, "#") || !strings.Contains(text, "exec \"$@\"") {
		t.Errorf("script: %s", text)
	}
}
