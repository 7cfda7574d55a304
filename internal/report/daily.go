// SPDX-License-Identifier: Apache-2.0

package report

import "time"

// DailyTime is the time of day at which workers generate scheduled reports.
type DailyTime struct {
	Hour, Minute int // local time in Zone
	Zone         *time.Location
}

// Next returns the first such time after t. A time that the change to summer time skips
// becomes the moment of the change. Of a time that occurs twice, the first one counts. So
// every day has exactly one.
func (d DailyTime) Next(t time.Time) time.Time {
	year, month, day := t.In(d.Zone).Date()
	for {
		if at := d.on(year, month, day); at.After(t) {
			return at
		}
		day++
	}
}

func (d DailyTime) on(year int, month time.Month, day int) time.Time {
	at := time.Date(year, month, day, d.Hour, d.Minute, 0, 0, d.Zone)
	if at.Hour() != d.Hour || at.Minute() != d.Minute { // skipped: at is before or after the gap
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
	// The same local time before the clocks were turned back at begin.
	_, after := at.Zone()
	_, before := begin.Add(-time.Nanosecond).Zone()
	if earlier := at.Add(time.Duration(after-before) * time.Second); before > after && earlier.Before(begin) {
		return earlier
	}
	return at
}
