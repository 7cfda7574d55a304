// SPDX-License-Identifier: Apache-2.0

package patientusage

import (
	"slices"
	"time"

	"reporting/internal/source/episode"
)

// day is a date of the calendar in some zone: days since 1970-01-01.
type day int32

// span is from its first to its last day, both of which belong to it.
type span struct{ first, last day }

const daySeconds = 24 * 60 * 60

func dayOf(t time.Time, zone *time.Location) day {
	year, month, date := t.In(zone).Date()
	return day(time.Date(year, month, date, 0, 0, 0, 0, time.UTC).Unix() / daySeconds) //nolint:gosec // dates of four-digit years fit
}

// month is a month of the calendar: months since January of year 0.
type month int32

func monthOf(d day) (m month, first day) {
	year, mon, date := time.Unix(int64(d)*daySeconds, 0).UTC().Date()
	return month(year*12 + int(mon) - 1), d - day(date-1) //nolint:gosec // as above
}

func (m month) year() int { return int(m) / 12 }

func (m month) ofYear() int { return int(m)%12 + 1 }

// days are those on which a period goes on, the day in which it ends included, and none
// after today. A period of which nobody knows the begin has none.
func days(p episode.Period, zone *time.Location, today day) (s span, some bool) {
	if p.Start.IsZero() {
		return span{}, false
	}
	s = span{dayOf(p.Start, zone), today}
	if !p.End.IsZero() {
		end := p.End
		if end.After(p.Start) {
			end = end.Add(-1) // it ends before End
		}
		s.last = min(today, dayOf(end, zone))
	}
	return s, s.first <= s.last
}

// stay is what counts of an episode: when it went on, and when it was active.
type stay struct {
	whole  span
	active []span
}

// wholeOf is when an episode went on. Without a start of its own it began with the first
// stage of its history, or else, where only the end is known, with that: it counts in the
// month of the end. Where neither is known there is no month that it belongs to.
func wholeOf(e *episode.Episode) episode.Period {
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
		p.Start = p.End.Add(-1) // it ends before End
	}
	return p
}

// stayOf returns what counts of an episode, and whether anything does.
func stayOf(e *episode.Episode, zone *time.Location, today day) (s stay, counts bool) {
	switch e.Status {
	case episode.Planned, episode.Cancelled, episode.EnteredInError:
		return stay{}, false
	case episode.Waitlist, episode.Active, episode.OnHold, episode.Finished:
	}
	whole := wholeOf(e)
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

// activePeriods are the times in which an episode was active: those that its history
// names, or without one its whole period when it is active now. A history may leave out
// the status of today; then that lasts since the latest change that it knows of.
//
// It may leave out ends as well. A stage without one that is not the latest ended where
// the next one starts. The latest lasts for as long as the episode, if that is active; of
// an episode that is not any more, and has no end, nobody knows when it stopped to be:
// the day on which the stage began is all that counts.
func activePeriods(e *episode.Episode, whole episode.Period) []episode.Period {
	if len(e.History) == 0 {
		if e.Status == episode.Active {
			return []episode.Period{whole}
		}
		return nil
	}
	var active []episode.Period
	var latest time.Time
	stages := slices.Clone(e.History) // which belongs to the source
	slices.SortStableFunc(stages, func(a, b episode.Stage) int { return a.Period.Start.Compare(b.Period.Start) })
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
