// SPDX-License-Identifier: Apache-2.0

package doctor

import "time"

// How far clocks may differ: tokens are judged by ours, with half a minute to spare.
const (
	skewDoubt = 5 * time.Second
	skewWrong = time.Minute
)

// Clock judges what a clock elsewhere said. between is when it was read, by ours: after
// the first time and before the second one.
func Clock(whose string, there, before, after time.Time) Finding {
	ahead := there.Sub(before.Add(after.Sub(before) / 2)).Round(100 * time.Millisecond)
	const mend = "have both machines keep time (NTP, chrony): tokens are judged by this machine's clock"
	word := "ahead of"
	if ahead < 0 {
		word = "behind"
	}
	switch {
	case ahead.Abs() > skewWrong:
		return Bad(mend, "the clock of %s is %v %s ours", whose, ahead.Abs(), word)
	case ahead.Abs() > skewDoubt:
		return Doubt(mend, "the clock of %s is %v %s ours", whose, ahead.Abs(), word)
	}
	return Good("the clock of %s agrees with ours", whose)
}
