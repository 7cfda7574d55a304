// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"testing"
	"time"

	"reporting/internal/report"
)

func TestNight(t *testing.T) {
	t.Parallel()
	copenhagen, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	samoa, err := time.LoadLocation("Pacific/Apia")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		zone         *time.Location
		hour, minute int
		after, want  string
	}{
		"the same day":                  {copenhagen, 2, 0, "2026-01-10T00:30:00Z", "2026-01-10T01:00:00Z"},
		"the next day":                  {copenhagen, 2, 0, "2026-01-10T12:00:00Z", "2026-01-11T01:00:00Z"},
		"at that very moment":           {copenhagen, 2, 0, "2026-01-10T01:00:00Z", "2026-01-11T01:00:00Z"}, // or it would never end
		"before midnight in UTC":        {copenhagen, 0, 30, "2026-07-10T12:00:00Z", "2026-07-10T22:30:00Z"},
		"the end of a year":             {copenhagen, 2, 0, "2026-12-31T12:00:00Z", "2027-01-01T01:00:00Z"},
		"skipped in spring":             {copenhagen, 2, 30, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"}, // clocks go from 2:00 to 3:00
		"skipped, first minute":         {copenhagen, 2, 0, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
		"the night after that":          {copenhagen, 2, 30, "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
		"after the gap":                 {copenhagen, 3, 0, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
		"twice in autumn":               {copenhagen, 2, 30, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"}, // 2:30 in summer time
		"between the two":               {copenhagen, 2, 30, "2026-10-25T00:45:00Z", "2026-10-26T01:30:00Z"}, // not again an hour later
		"twice, first minute":           {copenhagen, 2, 0, "2026-10-24T12:00:00Z", "2026-10-25T00:00:00Z"},
		"after both":                    {copenhagen, 3, 0, "2026-10-24T12:00:00Z", "2026-10-25T02:00:00Z"},
		"where clocks are never turned": {time.UTC, 2, 0, "2026-03-29T02:00:00Z", "2026-03-30T02:00:00Z"},
		"a day that was left out":       {samoa, 2, 0, "2011-12-29T20:00:00Z", "2011-12-30T12:00:00Z"}, // 31 December, because there was no 30th
	} {
		after, err := time.Parse(time.RFC3339, c.after)
		if err != nil {
			t.Fatal(err)
		}
		if got := (report.DailyTime{Hour: c.hour, Minute: c.minute, Zone: c.zone}).Next(after).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s: after %s comes %s, want %s", name, c.after, got, c.want)
		}
	}
}
