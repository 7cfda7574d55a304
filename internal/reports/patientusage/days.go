// SPDX-License-Identifier: Apache-2.0

package patientusage

import (
	"slices"
	"time"

	"reporting/internal/source/episode"
)

// day is a calendar date: days since 1970-01-01.
type day int32

// span is a range of days, both ends included.
type span struct{ first, last day }

const daySeconds = 24 * 60 * 60

func dayOf(t time.Time, zone *time.Location) day {
	year, month, date := t.In(zone).Date()
	return day(time.Date(year, month, date, 0, 0, 0, 0, time.UTC).Unix() / daySeconds) //nolint:gosec // dates of four-digit years fit
}

// month is a calendar month: months since January of year 0.
type month int32

func monthOf(d day) (m month, first day) {
	year, mon, date := time.Unix(int64(d)*daySeconds, 0).UTC().Date()
	return month(year*12 + int(mon) - 1), d - day(date-1) //nolint:gosec // as above
}

func (m month) year() int { return int(m) / 12 }

func (m month) ofYear() int { return int(m)%12 + 1 }

// days returns the days of a period: the day on which it ends is included, and days after today
// are not. A period without a known start has no days.
func days(p episode.Period, zone *time.Location, today day) (s span, some bool) {
	if p.Start.IsZero() {
		return span{}, false
	}
	s = span{dayOf(p.Start, zone), today}
	if !p.End.IsZero() {
		end := p.End
		if end.After(p.Start) {
			end = end.Add(-1) // End is exclusive
		}
		s.last = min(today, dayOf(end, zone))
	}
	return s, s.first <= s.last
}

// stay is what counts of an episode: its days and its active days.
type stay struct {
	whole  span
	active []span
}

// wholeOf returns the period of an episode. Without a start it begins with the first entry of
// its history. With only an end, it is the month of the end. Without both it belongs to no
// month.
func wholePeriod(e *episode.Episode) episode.Period {
	p := e.Period
	if !p.Start.IsZero() {
		return p
	}
	for _, stage := range e.History {
		if begin := stage.Period.Start; !begin.IsZero() && (p.Start.IsZero() || begin.Before(p.Start)) {
			p.Start = begin
		}
	}
	if p.Start.IsZero() && !p.End.IsZero() {
		p.Start = p.End.Add(-1) // End is exclusive
	}
	return p
}

// stayOf returns what counts of an episode, and false if nothing does.
func stayOf(e *episode.Episode, zone *time.Location, today day) (s stay, counts bool) {
	switch e.Status {
	case episode.Planned, episode.Cancelled, episode.EnteredInError:
		return stay{}, false
	case episode.Waitlist, episode.Active, episode.OnHold, episode.Finished:
	}
	whole := wholePeriod(e)
	if s.whole, counts = days(whole, zone, today); !counts {
		return stay{}, false
	}
	for _, p := range activePeriods(e, whole) {
		if active, some := days(p, zone, today); some {
			s.active = append(s.active, active)
		}
	}
	return s, true
}

// activePeriods returns the periods in which an episode was active, from its history. Without a
// history it is the whole period of an episode that is active now. A history may omit the
// current status, which then lasts since the latest change.
//
// A history may also omit ends. An entry without an end lasts until the next entry starts. The
// latest entry lasts as long as the episode if the episode is active. For an ended episode
// without an end, only the day on which the entry starts counts.
func activePeriods(e *episode.Episode, whole episode.Period) []episode.Period {
	if len(e.History) == 0 {
		if e.Status == episode.Active {
			return []episode.Period{whole}
		}
		return nil
	}
	var active []episode.Period
	var latest time.Time
	stages := slices.Clone(e.History) // the source owns the original
	slices.SortStableFunc(stages, func(a, b episode.HistoryEntry) int { return a.Period.Start.Compare(b.Period.Start) })
	last := len(stages) - 1
	for n, stage := range stages {
		p := stage.Period
		if p.End.IsZero() && n < last {
			p.End = stages[n+1].Period.Start
		}
		if p.End.After(latest) {
			latest = p.End
		}
		if stage.Status != episode.Active {
			continue
		}
		if p.End.IsZero() {
			p.End = whole.End
		}
		if p.End.IsZero() && e.Status != episode.Active {
			p.End = p.Start // an instant, which counts as a day
		}
		active = append(active, p)
	}
	open := stages[last].Period.End.IsZero()
	if e.Status == episode.Active && !open && (whole.End.IsZero() || whole.End.After(latest)) {
		active = append(active, episode.Period{Start: latest, End: whole.End})
	}
	return active
}
