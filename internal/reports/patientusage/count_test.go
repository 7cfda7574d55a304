// SPDX-License-Identifier: Apache-2.0

package patientusage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"reporting/internal/reports/patientusage"
	"reporting/internal/source/episode"
)

// list is a source of a few episodes.
type list []episode.Episode

func (l list) Each(_ context.Context, yield func(*episode.Episode) error) error {
	for _, e := range l {
		if err := yield(&e); err != nil {
			return err
		}
	}
	return nil
}

var copenhagen = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		panic(err)
	}
	return zone
}()

func at(text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	t, err := time.ParseInLocation("2006-01-02 15:04", text, copenhagen)
	if err != nil {
		panic(err)
	}
	return t
}

func period(start, end string) episode.Period { return episode.Period{Start: at(start), End: at(end)} }

func count(t *testing.T, source episode.Source) patientusage.Summary {
	t.Helper()
	s, err := patientusage.Count(t.Context(), source, patientusage.Options{Zone: copenhagen, Now: at("2023-06-10 12:00"), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The recorded report: one patient in April, two in May 2023.
func TestRecordedForm(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(count(t, list{
		{Patient: "Patient/1", Status: episode.Active, Period: period("2023-04-03 08:00", "2023-06-01 00:00")},
		{Patient: "Patient/2", Status: episode.Active, Period: period("2023-05-20 08:00", "2023-06-01 00:00")},
		{Patient: "Patient/2", Status: episode.Active, Period: period("2023-05-02 08:00", "2023-05-04 00:00")},
		{Patient: "Patient/3", Status: episode.EnteredInError, Period: period("2023-05-02 08:00", "2023-05-30 00:00")},
	}))
	if err != nil {
		t.Fatal(err)
	}
	const seven, all = `{"name":"uniquePatientsWithEpisodeOfCareBeingActiveSevenOrMoreDays"`, `{"name":"uniquePatientsWithEpisodeOfCare"`
	month := func(number string, rest string) string {
		return `{"month":"` + number + `","year":"2023","entries":[` + seven + rest + `},` + all + rest + `}]}`
	}
	const year = `,"monthlyAverage":1.5,"averageBeyondBaseline":0,"averageRounded":1000.0}`
	if want := `{"monthData":[` + month("4", `,"count":1,"percentChangeFromLastMonth":0.0`) + `,` + month("5", `,"count":2,"percentChangeFromLastMonth":100.0`) +
		`],"yearData":[{"year":"2023","entries":[` + seven + year + `,` + all + year + `]}]}`; string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// counts are the two counts of each month, all first.
func counts(s patientusage.Summary) map[string][2]int64 {
	got := map[string][2]int64{}
	for _, m := range s.Months {
		got[m.Year+"-"+m.Month] = [2]int64{m.Entries[1].Count, m.Entries[0].Count}
	}
	return got
}

func TestRules(t *testing.T) {
	t.Parallel()
	whole := period("2023-03-20 10:00", "2023-05-03 10:00")
	for name, c := range map[string]struct {
		episode episode.Episode
		want    map[string][2]int64
	}{
		"planned never counts":   {episode.Episode{Status: episode.Planned, Period: whole}, nil},
		"cancelled never counts": {episode.Episode{Status: episode.Cancelled, Period: whole}, nil},
		"only the end is known":  {episode.Episode{Status: episode.Active, Period: period("", "2023-05-03 10:00")}, map[string][2]int64{"2023-5": {1, 0}}},
		"which is a midnight":    {episode.Episode{Status: episode.Finished, Period: period("", "2023-05-01 00:00")}, map[string][2]int64{"2023-4": {1, 0}}},
		"nothing is known":       {episode.Episode{Status: episode.Active, History: []episode.HistoryEntry{{Status: episode.Active}}}, nil},
		"its history begins": {episode.Episode{Status: episode.Finished, Period: period("", "2023-05-03 10:00"), History: []episode.HistoryEntry{
			{Status: episode.OnHold, Period: period("2023-04-20 10:00", "2023-05-03 10:00")},
			{Status: episode.Waitlist, Period: period("", "2023-03-21 10:00")},
			{Status: episode.Active, Period: period("2023-03-21 10:00", "2023-04-20 10:00")},
		}}, map[string][2]int64{"2023-3": {1, 1}, "2023-4": {1, 1}, "2023-5": {1, 0}}},
		"active": {episode.Episode{Status: episode.Active, Period: whole}, map[string][2]int64{"2023-3": {1, 1}, "2023-4": {1, 1}, "2023-5": {1, 0}}},
		"finished, active period unknown": {
			episode.Episode{Status: episode.Finished, Period: whole},
			map[string][2]int64{"2023-3": {1, 0}, "2023-4": {1, 0}, "2023-5": {1, 0}},
		},
		"finished with a history": {episode.Episode{Status: episode.Finished, Period: whole, History: []episode.HistoryEntry{
			{Status: episode.Planned, Period: period("2023-03-20 10:00", "2023-04-20 10:00")},
			{Status: episode.Active, Period: period("2023-04-20 10:00", "2023-05-03 10:00")},
		}}, map[string][2]int64{"2023-3": {1, 0}, "2023-4": {1, 1}, "2023-5": {1, 0}}},
		"active now, which its history leaves out": {episode.Episode{Status: episode.Active, Period: period("2023-03-20 10:00", ""), History: []episode.HistoryEntry{
			{Status: episode.Planned, Period: period("2023-03-20 10:00", "2023-05-28 10:00")},
		}}, map[string][2]int64{"2023-3": {1, 0}, "2023-4": {1, 0}, "2023-5": {1, 0}, "2023-6": {1, 1}}},
		"on hold in between": {episode.Episode{Status: episode.Active, Period: period("2023-05-01 00:00", ""), History: []episode.HistoryEntry{
			{Status: episode.Active, Period: period("2023-05-01 00:00", "2023-05-04 00:00")},
			{Status: episode.OnHold, Period: period("2023-05-04 00:00", "2023-05-28 00:00")},
			{Status: episode.Active, Period: period("2023-05-28 00:00", "")},
		}}, map[string][2]int64{"2023-5": {1, 1}, "2023-6": {1, 1}}}, // 3 + 4 days in May
		"nothing after today":            {episode.Episode{Status: episode.Active, Period: period("2023-06-03 10:00", "2023-09-01 00:00")}, map[string][2]int64{"2023-6": {1, 1}}},
		"begins tomorrow":                {episode.Episode{Status: episode.Active, Period: period("2023-06-11 00:00", "")}, nil},
		"six days":                       {episode.Episode{Status: episode.Active, Period: period("2023-05-05 23:59", "2023-05-11 00:00")}, map[string][2]int64{"2023-5": {1, 0}}},
		"touches a seventh":              {episode.Episode{Status: episode.Active, Period: period("2023-05-05 23:59", "2023-05-11 00:01")}, map[string][2]int64{"2023-5": {1, 1}}},
		"ends at midnight":               {episode.Episode{Status: episode.Active, Period: period("2023-04-10 00:00", "2023-05-01 00:00")}, map[string][2]int64{"2023-4": {1, 1}}},
		"an instant is a day":            {episode.Episode{Status: episode.Active, Period: period("2023-05-01 00:00", "2023-05-01 00:00")}, map[string][2]int64{"2023-5": {1, 0}}},
		"ends before it begins":          {episode.Episode{Status: episode.Active, Period: period("2023-05-04 00:00", "2023-05-01 00:00")}, nil},
		"the zone decides the month":     {episode.Episode{Status: episode.Active, Period: episode.Period{Start: time.Date(2023, 4, 30, 22, 30, 0, 0, time.UTC), End: time.Date(2023, 5, 2, 0, 0, 0, 0, time.UTC)}}, map[string][2]int64{"2023-5": {1, 0}}},
		"a leap day is a day of its own": {episode.Episode{Status: episode.Active, Period: period("2020-02-23 00:00", "2020-03-01 00:00")}, map[string][2]int64{"2020-2": {1, 1}}},
	} {
		if got := counts(count(t, list{c.episode})); !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// Stages without an end that are not what an episode is in now ended all the same.
func TestOpenStages(t *testing.T) {
	t.Parallel()
	stage := func(status episode.Status, start, end string) episode.HistoryEntry {
		return episode.HistoryEntry{Status: status, Period: period(start, end)}
	}
	const march, april, may, june = "2023-03-01 00:00", "2023-04-01 00:00", "2023-05-01 00:00", "2023-06-01 00:00"
	for name, c := range map[string]struct {
		status  episode.Status
		end     string // of the episode
		history []episode.HistoryEntry
		active  [4]int64 // March to June
	}{
		"the next stage ends it":         {episode.OnHold, "", []episode.HistoryEntry{stage(episode.Active, march, ""), stage(episode.OnHold, april, "")}, [4]int64{1, 0, 0, 0}},
		"in another order":               {episode.OnHold, "", []episode.HistoryEntry{stage(episode.OnHold, april, ""), stage(episode.Active, march, "")}, [4]int64{1, 0, 0, 0}},
		"the next, not the last":         {episode.Finished, june, []episode.HistoryEntry{stage(episode.Active, march, ""), stage(episode.Finished, june, ""), stage(episode.OnHold, april, may)}, [4]int64{1, 0, 0, 0}},
		"no day of the next month":       {episode.OnHold, "", []episode.HistoryEntry{stage(episode.Active, march, ""), stage(episode.OnHold, "2023-04-07 00:00", "")}, [4]int64{1, 0, 0, 0}},
		"and seven":                      {episode.OnHold, "", []episode.HistoryEntry{stage(episode.Active, march, ""), stage(episode.OnHold, "2023-04-07 00:01", "")}, [4]int64{1, 1, 0, 0}},
		"the latest, now":                {episode.Active, "", []episode.HistoryEntry{stage(episode.OnHold, march, ""), stage(episode.Active, april, "")}, [4]int64{0, 1, 1, 1}},
		"the latest, of one that ended":  {episode.Finished, may, []episode.HistoryEntry{stage(episode.Active, march, "")}, [4]int64{1, 1, 0, 0}},
		"and the time is unknown":        {episode.Finished, "", []episode.HistoryEntry{stage(episode.Active, march, "")}, [4]int64{0, 0, 0, 0}},
		"a day counts":                   {episode.OnHold, "", []episode.HistoryEntry{stage(episode.Active, march, "2023-03-07 00:00"), stage(episode.Active, "2023-03-08 10:00", "")}, [4]int64{1, 0, 0, 0}},
		"active again, which it omits":   {episode.Active, "", []episode.HistoryEntry{stage(episode.Active, march, ""), stage(episode.OnHold, april, may)}, [4]int64{1, 0, 1, 1}},
		"active now, after an open plan": {episode.Active, "", []episode.HistoryEntry{stage(episode.Planned, march, ""), stage(episode.OnHold, april, may)}, [4]int64{0, 0, 1, 1}},
	} {
		given := slices.Clone(c.history)
		months := counts(count(t, list{{Patient: "Patient/1", Status: c.status, Period: period(march, c.end), History: c.history}}))
		if got := [4]int64{months["2023-3"][1], months["2023-4"][1], months["2023-5"][1], months["2023-6"][1]}; got != c.active {
			t.Errorf("%s: %v, want %v", name, got, c.active)
		}
		if !slices.Equal(given, c.history) {
			t.Errorf("%s: changed what belongs to the source", name)
		}
	}
}

// A patient counts once in a month, however many episodes there are, in any order, and
// days of several episodes add up, each once.
func TestAgainstTheObvious(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var episodes list
	begin := at("2021-01-01 00:00")
	days := map[string]map[string]bool{} // patient -> days, those that count with and without activity
	for n := range 5000 {
		patient := fmt.Sprintf("Patient/%d", random.IntN(900))
		start, length := random.IntN(600), random.IntN(1+random.IntN(200))
		e := episode.Episode{
			Patient: patient, Status: []episode.Status{episode.Active, episode.Finished, episode.Planned}[n%3],
			Period: episode.Period{Start: begin.AddDate(0, 0, start), End: begin.AddDate(0, 0, start+length+1)},
		}
		episodes = append(episodes, e)
		if e.Status == episode.Planned {
			continue
		}
		if days[patient] == nil {
			days[patient] = map[string]bool{}
		}
		for d := start; d <= start+length; d++ {
			date := begin.AddDate(0, 0, d).Format("2006-1 02")
			days[patient][date] = days[patient][date] || e.Status == episode.Active
		}
	}
	want := map[string][2]int64{}
	for _, dates := range days {
		months := map[string]int{}
		for date, active := range dates {
			month, _, _ := strings.Cut(date, " ")
			months[month] += 0
			if active {
				months[month]++
			}
		}
		for month, active := range months {
			c := want[month]
			c[0]++
			if active >= 7 {
				c[1]++
			}
			want[month] = c
		}
	}
	got := counts(count(t, episodes))
	for month, c := range want {
		if got[month] != c {
			t.Errorf("%s: %v, want %v", month, got[month], c)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d months, want %d", len(got), len(want))
	}
}

func TestCountFailsWithItsSource(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := patientusage.Count(t.Context(), failing{broken}, patientusage.Options{Zone: time.UTC, Now: time.Now(), Dir: t.TempDir()})
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if _, err := patientusage.Count(t.Context(), list{}, patientusage.Options{Zone: time.UTC, Now: time.Now(), Dir: "/nowhere"}); err == nil {
		t.Error("it counted without room")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := patientusage.Count(ended, list{}, patientusage.Options{Zone: time.UTC, Now: time.Now()}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

type failing struct{ err error }

func (f failing) Each(context.Context, func(*episode.Episode) error) error { return f.err }

// many are as many episodes as a benchmark asks for, of half as many patients.
type many int

func (m many) Each(_ context.Context, yield func(*episode.Episode) error) error {
	random := rand.New(rand.NewPCG(1, 2))
	begin := at("2015-01-01 00:00")
	patient := []byte("https://patient.example.org/fhir/Patient/")
	for range int(m) {
		start := begin.Add(time.Duration(random.IntN(8*365*24)) * time.Hour)
		e := episode.Episode{
			Patient: string(fmt.Appendf(patient, "%d", random.IntN(int(m)/2+1))), Status: episode.Active,
			Period: episode.Period{Start: start, End: start.Add(time.Duration(1+random.IntN(400*24)) * time.Hour)},
		}
		if err := yield(&e); err != nil {
			return err
		}
	}
	return nil
}

func BenchmarkCount(b *testing.B) {
	for b.Loop() {
		if _, err := patientusage.Count(b.Context(), many(1_000_000), patientusage.Options{Zone: copenhagen, Now: at("2023-06-10 12:00"), Dir: b.TempDir()}); err != nil {
			b.Fatal(err)
		}
	}
}
