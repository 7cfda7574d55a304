// SPDX-License-Identifier: Apache-2.0

package reports_test

import (
	"regexp"
	"testing"
	"time"

	"reporting/internal/reports"
	"reporting/internal/reports/catalog"
)

// What is listed can be called, described, guarded and found again.
func TestAll(t *testing.T) {
	t.Parallel()
	if list := reports.All(reports.Needs{Zone: time.UTC}); len(list) != 1 || list[0].Guard() != "$fetch-patient-usage-stats" {
		t.Errorf("%d reports without the demos", len(list))
	}
	list := reports.All(reports.Needs{Zone: time.UTC, Demo: true})
	names, classes := map[string]bool{}, map[string]bool{}
	for i := range list {
		r := &list[i]
		if names[r.Name] || classes[r.Class] {
			t.Errorf("%s, %s is there twice", r.Name, r.Class)
		}
		names[r.Name], classes[r.Class] = true, true
		// They are parts of addresses, of file names and of the table.
		if !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(r.Name) || !regexp.MustCompile(`^[A-Za-z.]{1,512}$`).MatchString(r.Class) ||
			!regexp.MustCompile(`^[A-Za-z]+$`).MatchString(r.ReportName) {
			t.Errorf("%q, %q, %q", r.Name, r.Class, r.ReportName)
		}
		if r.Description == "" || r.Generate == nil || len(r.Modes) == 0 || catalog.ByClass(list, r.Class) != r {
			t.Errorf("%s is not whole", r.Name)
		}
		for _, m := range r.Modes {
			if r.Titles[m] == "" {
				t.Errorf("$%s-%s has no title", m, r.Name)
			}
		}
	}
}
