// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"

	"reporting/internal/app"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/telemetry/tracetest"
)

// The program sends the spans of its last calls before it ends: the delay of the
// exporter is an hour here.
func TestTracesAreSentAtTheEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ environ, args []string }{
		"serve": {
			[]string{"REPORTING_DATABASE_URL=" + pgtest.New(t).Reader, "REPORTING_AUTH=gateway", "REPORTING_SHUTDOWN_DELAY=1ms"},
			[]string{"serve"},
		},
		"dev": {nil, []string{"dev", "--listen=127.0.0.1:" + freePort(t)}},
	} {
		collector := tracetest.New(t)
		environ := slices.Concat(c.environ, []string{
			"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL, "OTEL_BSP_SCHEDULE_DELAY=3600000", "OTEL_SERVICE_NAME=by-another-name",
		})
		p := spawn(t, pgtest.Dir(t), environ, c.args...)
		const calls = 10
		token := app.Token("u", "", nil, time.Time{})
		for range calls {
			if status, body, err := ask(t.Context(), p.base, token); err != nil || status != http.StatusOK {
				t.Fatalf("%s: %d %s %v", name, status, body, err)
			}
		}
		if err := p.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := p.Wait(); err != nil {
			t.Errorf("%s: exit: %v", name, err)
		}
		requests := 0
		for _, s := range collector.Spans() {
			if s.Kind == "SERVER" {
				requests++
			}
			if s.Resource["service.name"] != "by-another-name" {
				t.Errorf("%s: resource %v", name, s.Resource)
			}
		}
		if requests != calls || len(collector.Spans()) != 4*calls {
			t.Errorf("%s: got %d spans, %d of them of requests; want %d and %d", name, len(collector.Spans()), requests, 4*calls, calls)
		}
	}
}
