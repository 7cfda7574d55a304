// SPDX-License-Identifier: Apache-2.0

package dashboard_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"reporting/tools/observe/dashboard"
)

const file = "../../../deploy/grafana/reporting.json"

func TestFileIsCurrent(t *testing.T) {
	t.Parallel()
	want, err := dashboard.JSON()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("deploy/grafana/reporting.json does not match the tables of panels: run \"make dashboard\" (%v)", err)
	}
}

// Each panel says what it shows and what a bad value means.
func TestPanels(t *testing.T) {
	t.Parallel()
	titles := map[string]bool{}
	for _, row := range dashboard.Rows() {
		if len(row.Panels) == 0 {
			t.Errorf("%s has no panels", row.Title)
		}
		for _, p := range row.Panels {
			if titles[p.Title] || p.Title == "" || len(p.Queries) == 0 {
				t.Errorf("%s: %q is a duplicate, or has no title or no query", row.Title, p.Title)
			}
			titles[p.Title] = true
			if len(p.Description) < 60 || !strings.HasSuffix(p.Description, ".") {
				t.Errorf("%s: the description is too short or has no full stop: %q", p.Title, p.Description)
			}
			if p.Unit == "" && p.Kind != dashboard.Table {
				t.Errorf("%s has no unit", p.Title)
			}
			for _, query := range p.Queries {
				if left := dashboard.Substitute(query.Expr, "reporting", "1m"); strings.ContainsAny(left, "$@#") {
					t.Errorf("%s uses an unknown variable: %s", p.Title, left)
				}
				if !strings.Contains(query.Expr, "$job") && !strings.Contains(query.Expr, "ALERTS") {
					t.Errorf("%s does not select the job: %s", p.Title, query.Expr)
				}
			}
		}
	}
}

// Panels do not overlap, and their ids are unique.
func TestLayout(t *testing.T) {
	t.Parallel()
	text, err := dashboard.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil || len(d.Panels) == 0 {
		t.Fatal(err)
	}
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.ID == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%s has id %d and position %+v", p.Title, p.ID, p.GridPos)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%s overlaps %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}
