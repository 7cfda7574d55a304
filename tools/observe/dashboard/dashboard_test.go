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

func TestFileIsWhatIsMade(t *testing.T) {
	t.Parallel()
	want, err := dashboard.JSON()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("deploy/grafana/reporting.json is not what the tables of panels say: run \"make dashboard\" (%v)", err)
	}
}

// Whoever is woken at night reads what a panel means in the panel.
func TestPanels(t *testing.T) {
	t.Parallel()
	titles := map[string]bool{}
	for _, row := range dashboard.Rows() {
		if len(row.Panels) == 0 {
			t.Errorf("%s has no panels", row.Title)
		}
		for _, p := range row.Panels {
			if titles[p.Title] || p.Title == "" || len(p.Queries) == 0 {
				t.Errorf("%s: %q is there twice, or has no title or no query", row.Title, p.Title)
			}
			titles[p.Title] = true
			if len(p.Description) < 60 || !strings.HasSuffix(p.Description, ".") {
				t.Errorf("%s: does not say what a bad value means: %q", p.Title, p.Description)
			}
			if p.Unit == "" && p.Kind != dashboard.Table {
				t.Errorf("%s has no unit", p.Title)
			}
			for _, query := range p.Queries {
				if left := dashboard.Substitute(query.Expr, "reporting", "1m"); strings.ContainsAny(left, "$@#") {
					t.Errorf("%s has a variable that is not known: %s", p.Title, left)
				}
				if !strings.Contains(query.Expr, "$job") && !strings.Contains(query.Expr, "ALERTS") {
					t.Errorf("%s asks for figures of anything: %s", p.Title, query.Expr)
				}
			}
		}
	}
}

// Panels lie beside one another, none upon another, and each has an id of its own.
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
			t.Errorf("%s has id %d and lies at %+v", p.Title, p.ID, p.GridPos)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%s lies on %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}
