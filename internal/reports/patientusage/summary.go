// SPDX-License-Identifier: Apache-2.0

package patientusage

import (
	"math"
	"strconv"
	"strings"
)

// The names of the two counts, in the order of the output.
const (
	nameSeven = "uniquePatientsWithEpisodeOfCareBeingActiveSevenOrMoreDays"
	nameAll   = "uniquePatientsWithEpisodeOfCare"
)

const (
	baseline   = 10_000 // monthly patients
	roundingTo = 1000
)

// Summary is the content of the report. Its JSON form is the one of the recorded reports.
type Summary struct {
	Months []Month `json:"monthData"` // months with patients, in order
	Years  []Year  `json:"yearData"`  // years with such months, in order
}

// Month is a month of a Summary.
type Month struct {
	Month   string       `json:"month"` // without a leading zero
	Year    string       `json:"year"`
	Entries []MonthEntry `json:"entries"`
}

// MonthEntry is one count of a month.
type MonthEntry struct {
	Name  string `json:"name"`
	Count int64  `json:"count"` // patients
	// Change is the change from the previous calendar month in percent. It is 0 in the first
	// month, and 100 after a month without patients.
	Change Double `json:"percentChangeFromLastMonth"`
}

// Year is a year of a Summary.
type Year struct {
	Year    string      `json:"year"`
	Entries []YearEntry `json:"entries"`
}

// YearEntry is one count of a year.
type YearEntry struct {
	Name           string `json:"name"`
	MonthlyAverage Double `json:"monthlyAverage"` // of the months of the year in the report
	BeyondBaseline int64  `json:"averageBeyondBaseline"`
	Rounded        Double `json:"averageRounded"` // rounded up to thousands
}

// Double is a number that is written with a decimal point, as in Java.
type Double float64

// MarshalJSON implements json.Marshaler.
func (d Double) MarshalJSON() ([]byte, error) {
	text := strconv.FormatFloat(float64(d), 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return []byte(text), nil
}

func summarize(months []count) Summary {
	s := Summary{Months: []Month{}, Years: []Year{}}
	var year count  // sum of the months so far
	var counted int // their number
	first := true   // before the first month
	for m, c := range months {
		if c.all == 0 {
			continue
		}
		at := month(m)
		var before count
		if m > 0 {
			before = months[m-1]
		}
		if first {
			before, first = c, false
		}
		name := strconv.Itoa(at.year())
		if n := len(s.Years); n == 0 || s.Years[n-1].Year != name {
			s.Years = append(s.Years, Year{Year: name})
			year, counted = count{}, 0
		}
		year.all, year.seven, counted = year.all+c.all, year.seven+c.seven, counted+1
		s.Months = append(s.Months, Month{Month: strconv.Itoa(at.ofYear()), Year: name, Entries: []MonthEntry{
			{Name: nameSeven, Count: c.seven, Change: change(before.seven, c.seven)},
			{Name: nameAll, Count: c.all, Change: change(before.all, c.all)},
		}})
		s.Years[len(s.Years)-1].Entries = []YearEntry{
			yearEntry(nameSeven, year.seven, counted), yearEntry(nameAll, year.all, counted),
		}
	}
	return s
}

func change(before, now int64) Double {
	switch before {
	case now:
		return 0
	case 0:
		return 100
	}
	return Double(float64(now-before) / float64(before) * 100)
}

func yearEntry(name string, total int64, months int) YearEntry {
	average := float64(total) / float64(months)
	rounded := math.Ceil(average/roundingTo) * roundingTo
	return YearEntry{
		Name: name, MonthlyAverage: Double(average), Rounded: Double(rounded), BeyondBaseline: max(0, int64(rounded)-baseline),
	}
}
