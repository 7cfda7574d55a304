// SPDX-License-Identifier: Apache-2.0

package telemetry_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reporting/internal/telemetry"
)

func TestLinesAreWritten(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log, lines := telemetry.NewAsyncLogger(&out, slog.LevelInfo, telemetry.Text)
	const writers, each = 8, 500
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				log.Info("line")
			}
		})
	}
	wg.Wait()
	if err := lines.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "msg=line\n"); got != writers*each {
		t.Errorf("%d lines of %d", got, writers*each)
	}
	log.Info("late")
	if !strings.HasSuffix(out.String(), "msg=late\n") {
		t.Error("what is logged after the end is lost")
	}
}

// Each line is written soon, without a further line.
func TestLinesDoNotStay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log, lines := telemetry.NewAsyncLogger(&out, slog.LevelInfo, telemetry.Text)
		for n := range 3 {
			log.Info("line")
			time.Sleep(20 * time.Millisecond)
			synctest.Wait()
			if got := strings.Count(out.String(), "\n"); got != n+1 {
				t.Errorf("%d lines, want %d", got, n+1)
			}
		}
		if err := lines.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A writer that blocks does not block the service. The log says how many lines were lost.
func TestLinesThatAreStuck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pipe := &stuckOnce{free: make(chan struct{})}
		log, lines := telemetry.NewAsyncLogger(pipe, slog.LevelInfo, telemetry.Text)
		long := strings.Repeat("x", 10_000)
		for range 500 {
			log.Info(long)
		}
		close(pipe.free)
		time.Sleep(time.Second)
		if err := lines.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if !strings.Contains(pipe.String(), "log lines were lost") {
			t.Error("the loss is not logged")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		pipe := &stuckOnce{free: make(chan struct{})}
		log, lines := telemetry.NewAsyncLogger(pipe, slog.LevelInfo, telemetry.Text)
		log.Info("line")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := lines.Close(ctx); err == nil {
			t.Error("Close says that all was written")
		}
		close(pipe.free)
		time.Sleep(time.Second)
	})
}

// stuckOnce is a pipe that is not read until free is closed.
type stuckOnce struct {
	bytes.Buffer

	free chan struct{}
}

func (s *stuckOnce) Write(p []byte) (int, error) {
	<-s.free
	return s.Buffer.Write(p)
}
