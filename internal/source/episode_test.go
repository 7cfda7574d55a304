// SPDX-License-Identifier: Apache-2.0

package source_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"reporting/internal/source"
	"reporting/internal/source/episode"
)

func copenhagen(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestDecode(t *testing.T) {
	t.Parallel()
	d := source.Decoder{Base: "https://careplan.example.org/fhir", Zone: copenhagen(t)}
	date := func(year, month, day int) time.Time {
		return time.Date(year, time.Month(month), day, 0, 0, 0, 0, d.Zone)
	}
	var e episode.Episode
	for text, want := range map[string]episode.Episode{
		`{"resourceType":"EpisodeOfCare","id":"1","status":"active","patient":{"reference":"https://careplan.example.org/fhir/Patient/7/_history/3"},
		  "period":{"start":"2023-04-03T08:00:00.5+02:00"},"extension":[{"url":"x"}],"team":[{"reference":"CareTeam/1"}]}`: {
			Patient: "Patient/7", Status: episode.Active, History: []episode.HistoryEntry{},
			Period: episode.Period{Start: time.Date(2023, 4, 3, 8, 0, 0, 5e8, time.FixedZone("", 7200))},
		},
		`{"resourceType":"EpisodeOfCare","status":"finished","patient":{"reference":"https://patient.example.org/fhir/Patient/7"},"period":{"start":"2023-03","end":"2023-03-26"},
		  "statusHistory":[{"status":"planned","period":{"start":"2022","end":"2022"}},{"status":"active","period":{"start":"2023-03-01","end":"2023-03"}}]}`: {
			Patient: "https://patient.example.org/fhir/Patient/7", Status: episode.Finished,
			Period: episode.Period{Start: date(2023, 3, 1), End: date(2023, 3, 27)}, // a day of 23 hours
			History: []episode.HistoryEntry{
				{Status: episode.Planned, Period: episode.Period{Start: date(2022, 1, 1), End: date(2023, 1, 1)}},
				{Status: episode.Active, Period: episode.Period{Start: date(2023, 3, 1), End: date(2023, 4, 1)}},
			},
		},
	} {
		if err := d.Decode([]byte(text), &e); err != nil {
			t.Fatal(err)
		}
		if !e.Period.Start.Equal(want.Period.Start) {
			t.Errorf("begins %v, want %v", e.Period.Start, want.Period.Start)
		}
		e.Period.Start = want.Period.Start
		if len(e.History) == 0 {
			e.History = want.History // nil or empty
		}
		if !reflect.DeepEqual(e, want) {
			t.Errorf("got  %+v\nwant %+v", e, want)
		}
	}
}

// A resource that is not understood must not become a count that is wrong, and what
// stands in it must not become a message.
func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	const good = `{"resourceType":"EpisodeOfCare","status":"active","patient":{"reference":"Patient/secret"},"period":{"start":"2023","end":"2024"},"statusHistory":[{"status":"active","period":{"start":"2023"}}]}`
	d := source.Decoder{Zone: time.UTC}
	if err := d.Decode([]byte(good), &episode.Episode{}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, replacement, want string }{
		"cut off":             {`"statusHistory":[{"status":"active","period":{"start":"2023"}}]}`, ``, "JSON"},
		"another resource":    {`"EpisodeOfCare"`, `"Patient"`, "no EpisodeOfCare"},
		"two of a name":       {`"status":"active",`, `"status":"active","status":"active",`, "JSON"},
		"no status":           {`"status":"active","patient"`, `"patient"`, "EpisodeOfCare.status"},
		"unknown status":      {`"status":"active","patient"`, `"status":"secret","patient"`, "EpisodeOfCare.status"},
		"no patient":          {`"Patient/secret"`, `""`, "patient.reference"},
		"contained patient":   {`"Patient/secret"`, `"#secret"`, "patient.reference is a contained resource"},
		"no date":             {`"2024"`, `"secret"`, "period.end"},
		"no date of the kind": {`"start":"2023","end"`, `"start":"2023-13","end"`, "period.start"},
		"no zone":             {`"2024"`, `"2024-01-01T10:00:00"`, "period.end"},
		"unknown stage":       {`[{"status":"active"`, `[{"status":"secret"`, "statusHistory.status"},
		"stage without date":  {`{"start":"2023"}}]`, `{"start":"x"}}]`, "statusHistory.period.start"},
	} {
		text := strings.Replace(good, c.old, c.replacement, 1)
		if text == good {
			t.Fatalf("%s changes nothing", name)
		}
		err := d.Decode([]byte(text), &episode.Episode{})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
