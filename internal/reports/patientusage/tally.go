// SPDX-License-Identifier: Apache-2.0

package patientusage

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// lastMonth is December 9999, the last month that FHIR can write.
const lastMonth = 9999*12 + 11

// activeDays is the number of active days in a month for the second count.
const activeDays = 7

// count is the number of patients of one month.
type count struct{ all, seven int64 }

// tally counts patients, each once in a month.
type tally struct {
	months []count // by month

	// The days of each month of the current patient, as bits.
	whole, active []uint32
	least, most   month
}

func newTally() *tally {
	return &tally{
		months: make([]count, lastMonth+1), whole: make([]uint32, lastMonth+1), active: make([]uint32, lastMonth+1),
		least: lastMonth, most: 0,
	}
}

var errBroken = errors.New("a temporary file does not hold what was written to it")

// part counts the patients of one part of a spill.
func (t *tally) part(data []byte) error {
	// Stays of the same patient are a list: the latest, and the one before each.
	latest := map[string]int32{}
	var stays [][]byte
	var before []int32
	for len(data) > 0 {
		n, used := binary.Uvarint(data)
		if used <= 0 || uint64(len(data)-used) < n { //nolint:gosec // not below zero
			return errBroken
		}
		patient := data[used : used+int(n)] //nolint:gosec // checked above
		spans := data[used+int(n):]         //nolint:gosec // as above
		rest, err := eachSpan(spans, func(int, span) {})
		if err != nil {
			return err
		}
		number := int32(len(stays)) //nolint:gosec // a part is in memory
		last, known := latest[string(patient)]
		if !known {
			last = -1
		}
		latest[string(patient)] = number
		stays, before = append(stays, spans[:len(spans)-len(rest)]), append(before, last)
		data = rest
	}
	for _, number := range latest {
		for ; number >= 0; number = before[number] {
			if _, err := eachSpan(stays[number], t.mark); err != nil {
				return err
			}
		}
		t.patient()
	}
	return nil
}

// eachSpan reads the spans of a stay, the whole period first, and returns the rest of the data.
func eachSpan(data []byte, yield func(n int, s span)) (rest []byte, err error) {
	active, used := binary.Uvarint(data)
	if used <= 0 {
		return nil, errBroken
	}
	data = data[used:]
	for n := 0; uint64(n) <= active; n++ {
		first, used := binary.Varint(data)
		if used <= 0 {
			return nil, errBroken
		}
		length, more := binary.Uvarint(data[used:])
		if more <= 0 {
			return nil, errBroken
		}
		yield(n, span{day(first), day(first) + day(length)}) //nolint:gosec // as written
		data = data[used+more:]
	}
	return data, nil
}

// mark marks the days of a span: the whole period, or one in which the episode was active.
func (t *tally) mark(n int, s span) {
	days := t.active
	if n == 0 {
		days = t.whole
	}
	m, begin := monthOf(s.first)
	t.least = min(t.least, m)
	for first := s.first; first <= s.last; m++ {
		next := begin + monthLength(m)
		last := min(s.last, next-1)
		// Bits from the first day of the span in this month to its last.
		days[m] |= (2<<(last-begin) - 1) &^ (1<<(first-begin) - 1)
		t.most = max(t.most, m)
		first, begin = next, next
	}
}

// patient counts the patient whose stays are marked and clears the marks.
func (t *tally) patient() {
	for m := t.least; m <= t.most; m++ {
		if t.whole[m] != 0 {
			t.months[m].all++
			if bits.OnesCount32(t.active[m]) >= activeDays {
				t.months[m].seven++
			}
		}
		t.whole[m], t.active[m] = 0, 0
	}
	t.least, t.most = lastMonth, 0
}

// monthLength returns the number of days of a month.
func monthLength(m month) day {
	switch m.ofYear() {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if y := m.year(); y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
