// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"slices"
	"strings"
)

// Untested returns the alerts without sufficient checks. In one test an alert must not fire first
// and fire later. In another test it must never fire.
func Untested(alerts []string, checks []Check) []string {
	var list []string
	for _, alert := range alerts {
		type test struct {
			file string
			n    int
		}
		held, fired, began := map[test]int{}, map[test]bool{}, false
		for _, c := range checks {
			if c.Alert != alert {
				continue
			}
			t := test{c.File, c.Test}
			switch {
			case !c.Fires:
				held[t]++
			case held[t] > 0:
				began, fired[t] = true, true
			default:
				fired[t] = true
			}
		}
		well := false
		for t := range held {
			well = well || !fired[t]
		}
		if !began || !well {
			list = append(list, alert)
		}
	}
	return list
}

// Entries returns the headings of second level in a runbook that are a single word.
func Entries(runbook string) []string {
	var list []string
	for line := range strings.Lines(runbook) {
		heading, found := strings.CutPrefix(strings.TrimSpace(line), "## ")
		if found && !strings.Contains(heading, " ") {
			list = append(list, heading)
		}
	}
	return list
}

// Alerts returns the sorted names of the alerts among the rules.
func Alerts(all []Rule) []string {
	var list []string
	for _, r := range all {
		if r.Alert != "" {
			list = append(list, r.Alert)
		}
	}
	slices.Sort(list)
	return list
}
