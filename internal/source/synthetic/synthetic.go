// SPDX-License-Identifier: Apache-2.0

// Package synthetic generates episodes of care from a seed, for trials and benchmarks. The
// numbers resemble those of a growing service, and describe no real person. internal/app imports
// it.
package synthetic

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"reporting/internal/source/episode"
)

// Source is a source of synthetic episodes.
type Source struct {
	// Episodes is the number of episodes. They have about two thirds as many patients.
	Episodes int
	Seed     uint64
	// Until is the time of the latest planned episodes.
	Until time.Time
}

// years is the length of the generated history.
const years = 4

// Each implements episode.Source.
func (s Source) Each(ctx context.Context, yield func(*episode.Episode) error) error {
	random := rand.New(rand.NewPCG(s.Seed, uint64(s.Episodes))) //nolint:gosec // repeatable by intent
	begin := s.Until.AddDate(-years, 0, 0)
	all := s.Until.Sub(begin)
	patients := max(1, s.Episodes*2/3)
	var e episode.Episode
	for n := range s.Episodes {
		const often = 4096
		if n%often == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		e.Patient = "Patient/" + strconv.Itoa(1+random.IntN(patients))
		// Recent episodes are more frequent.
		share := 1 - random.Float64()*random.Float64()
		s.fill(&e, random, begin.Add(time.Duration(share*float64(all))).Truncate(time.Second))
		if err := yield(&e); err != nil {
			return err
		}
	}
	return nil
}

// fill generates the course of an episode that was planned at some time.
func (s Source) fill(e *episode.Episode, random *rand.Rand, planned time.Time) {
	const day = 24 * time.Hour
	within := func(days int) time.Duration {
		return time.Duration(random.Int64N(int64(days)*int64(day/time.Second))) * time.Second
	}
	e.History = e.History[:0]
	stage := func(status episode.Status, start, end time.Time) {
		if start.Before(s.Until) {
			if !end.Before(s.Until) {
				end = time.Time{}
			}
			e.Status = status
			e.History = append(e.History, episode.HistoryEntry{Status: status, Period: episode.Period{Start: start, End: end}})
		}
	}
	begun := planned.Add(within(10))
	ended := begun.Add(day + within(400))
	e.Period = episode.Period{Start: planned}
	stage(episode.Planned, planned, begun)
	switch random.IntN(20) {
	case 0:
		stage(episode.Cancelled, begun, time.Time{})
		return
	case 1:
		e.Status = episode.EnteredInError
		return
	case 2, 3:
		middle := begun.Add(ended.Sub(begun) / 2)
		stage(episode.Active, begun, middle)
		again := middle.Add(time.Second + within(30))
		stage(episode.OnHold, middle, again)
		ended = ended.Add(again.Sub(middle))
		stage(episode.Active, again, ended)
	default:
		stage(episode.Active, begun, ended)
	}
	if ended.Before(s.Until) {
		e.Period.End = ended
		stage(episode.Finished, ended, time.Time{})
	}
}
