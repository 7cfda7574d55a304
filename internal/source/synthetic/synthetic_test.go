// SPDX-License-Identifier: Apache-2.0

package synthetic_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"reporting/internal/source/episode"
	"reporting/internal/source/synthetic"
)

var until = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func all(t *testing.T, seed uint64) (episodes []episode.Episode) {
	t.Helper()
	if err := (synthetic.Source{Episodes: 5000, Seed: seed, Until: until}).Each(t.Context(), func(e *episode.Episode) error {
		kept := *e
		kept.History = append([]episode.HistoryEntry(nil), e.History...)
		episodes = append(episodes, kept)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return episodes
}

func TestTheSameSeedMakesTheSame(t *testing.T) {
	t.Parallel()
	if !reflect.DeepEqual(all(t, 1), all(t, 1)) || reflect.DeepEqual(all(t, 1), all(t, 2)) {
		t.Error("seeds do not say what is made")
	}
}

// What is made up is what a server could have stored.
func TestEpisodesMakeSense(t *testing.T) {
	t.Parallel()
	statuses, patients := map[episode.Status]int{}, map[string]bool{}
	for _, e := range all(t, 1) {
		statuses[e.Status]++
		patients[e.Patient] = true
		if e.Period.Start.After(until) || e.Period.End.After(until) || len(e.History) == 0 {
			t.Fatalf("%+v", e)
		}
		last := e.Period.Start
		for _, s := range e.History {
			if s.Period.Start.Before(last) || !s.Period.End.IsZero() && s.Period.End.Before(s.Period.Start) {
				t.Fatalf("%+v", e)
			}
			last = s.Period.Start
		}
		if latest := e.History[len(e.History)-1]; e.Status != episode.EnteredInError && (latest.Status != e.Status || !latest.Period.End.IsZero()) {
			t.Fatalf("%+v", e)
		}
	}
	for _, s := range []episode.Status{episode.Planned, episode.Active, episode.OnHold, episode.Finished, episode.Cancelled, episode.EnteredInError} {
		if statuses[s] == 0 {
			t.Errorf("none is %s: %v", s, statuses)
		}
	}
	if len(patients) < 1000 || len(patients) > 3400 {
		t.Errorf("%d patients", len(patients))
	}
}

func TestItEnds(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (synthetic.Source{Episodes: 1, Until: until}).Each(ended, func(*episode.Episode) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
