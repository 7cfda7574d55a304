// SPDX-License-Identifier: Apache-2.0

package report

import "time"

// Night is the hour at which scheduled reports are made.
type DailyTime struct {
	Hour, Minute int // on the clock of Zone
	Zone         *time.Location
}

// Next is the first such hour after t. Where clocks are turned forward past it, it is the
// moment at which they are; where they are turned back and show it twice, it is the
// first time. So there is one in each night.
func (n DailyTime) Next(t time.Time) time.Time {
	year, month, day := t.In(n.Zone).Date()
	for {
		if at := n.on(year, month, day); at.After(t) {
			return at
		}
		day++
	}
}

func (n DailyTime) on(year int, month time.Month, day int) time.Time {
	at := time.Date(year, month, day, n.Hour, n.Minute, 0, 0, n.Zone)
	if at.Hour() != n.Hour || at.Minute() != n.Minute { // there is none: at is before or after the gap
		begin, end := at.ZoneBounds()
		if at.Sub(begin) < end.Sub(at) {
			return begin
		}
		return end
	}
	begin, _ := at.ZoneBounds()
	if begin.IsZero() {
		return at
	}
	// What the clock would show now, had it not been turned at begin.
	_, after := at.Zone()
	_, before := begin.Add(-time.Nanosecond).Zone()
	if earlier := at.Add(time.Duration(after-before) * time.Second); before > after && earlier.Before(begin) {
		return earlier
	}
	return at
}
