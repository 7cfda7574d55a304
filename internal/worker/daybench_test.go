// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/httpapi"
	"reporting/internal/httpapi/jobstatus"
	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
	"reporting/internal/reports/catalog"
	"reporting/internal/telemetry"
	"reporting/internal/worker"
	"reporting/internal/worker/queue"
)

const (
	dayUser     = "u"
	dayPatience = 2 * time.Minute // real time; nothing here depends on speed
)

// day is the service but for its listeners, with one worker, on a database of its own and
// with a manual clock. The tests wait for states and never for a time.
type day struct {
	t         *testing.T
	db        pgtest.Database
	night     report.DailyTime
	runs      *postgres.AttemptStore
	orders    *postgres.OrderStore
	binaries  *postgres.BinaryStore
	api       http.Handler
	conn      *pgx.Conn
	first     time.Time // of its nights
	submitted map[string]report.Submission
	names     map[report.JobID]string

	mu      sync.Mutex
	now     time.Time
	blocked map[string]chan error // of what is being made: how it ends
}

func newDay(t *testing.T, zone *time.Location, begin time.Time) *day {
	t.Helper()
	d := &day{
		t: t, db: pgtest.New(t), night: report.DailyTime{Hour: 2, Zone: zone}, now: begin,
		submitted: map[string]report.Submission{}, names: map[report.JobID]string{}, blocked: map[string]chan error{},
	}
	d.conn = pgtest.Connect(t, d.db.Superuser)
	open := func(pool *postgres.Pool, err error) *postgres.Pool {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = pool.Close(context.Background()) })
		return pool
	}
	entries, err := queue.New(d.time)
	if err != nil {
		t.Fatal(err)
	}
	clock := func() *time.Time { return new(d.time()) }
	login := "day_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	d.db.Exec(t, "create role "+login+" in role reporting_reader, reporting_requester")
	asking := open(postgres.Open(t.Context(), postgres.WithRole(d.db.Superuser, login), 10))
	working := open(postgres.OpenAs(t.Context(), d.db.Superuser, postgres.WorkerRole, 10))
	d.runs = postgres.NewAttemptStore(working, entries, dayPatience, clock)
	d.orders = postgres.NewOrderStore(asking, entries, dayPatience, clock)
	d.binaries = postgres.NewBinaryStore(asking, dayPatience, clock)
	d.api = statusOf(t, postgres.NewJobStore(asking, dayPatience))
	d.recordStatuses()
	d.work(working)
	return d
}

// statusOf is the API with the status operation alone.
func statusOf(t *testing.T, jobs report.Jobs) http.Handler {
	t.Helper()
	base := &url.URL{Scheme: "http", Host: "x", Path: "/fhir"}
	api, err := httpapi.New(httpapi.Options{
		Base: base, MaxBody: 1 << 20, Now: time.Now, Draining: func() bool { return false },
		Auth: auth.NewGateway(auth.GatewayOptions{TrustedPeers: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}),
		Log:  slog.New(slog.DiscardHandler), Metrics: telemetry.NewMetrics(telemetry.Build{}),
		Operations: []httpapi.Operation{jobstatus.New(jobs, fhir.Links{Base: base.String()})},
	})
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// work begins to make reports, one at a time.
func (d *day) work(pool *postgres.Pool) {
	d.t.Helper()
	runner := worker.NewRunner(worker.Options{
		Reports: []catalog.Report{{
			Name: "r", Class: "reporting.test.Report", ReportName: "R", Generate: d.generate,
			Parameters: []fhir.OperationParameter{{Name: "name", Min: 1, Max: "1", Type: "string"}},
		}},
		Attempts: d.runs, MaxAttempts: 3, Timeout: 48 * time.Hour, Log: slog.New(slog.DiscardHandler), Now: d.time, HeartbeatInterval: 20 * time.Millisecond,
		Observe: func(string, report.Outcome, time.Duration) {}, AddBusy: func(int) {},
	})
	workers, err := queue.Start(d.t.Context(), queue.Options{
		Pool: pool.Sessions(), Workers: 1, Log: slog.New(slog.DiscardHandler), Now: d.time, PollInterval: 10 * time.Millisecond, Grace: time.Millisecond,
		// River compares the start of an entry with the system's clock to find stuck entries,
		// whatever clock it is given. The long timeout keeps it from finding any.
		Timeout: 100 * 365 * 24 * time.Hour, Attempt: runner.Run,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		if err := workers.Stop(context.Background()); err != nil {
			d.t.Error(err)
		}
	})
}

// generate makes a report that ends when and how the script says.
func (d *day) generate(ctx context.Context, task catalog.Task, out catalog.Output) error {
	name, gate := task.Inputs[0].Value.Text, make(chan error)
	d.mu.Lock()
	d.blocked[name] = gate
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.blocked, name)
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-gate:
		return errors.Join(out.Group("G", "1", name), err)
	}
}

// end ends the making of a report that is being made, and waits until the queue knows: it
// reads the clock at that time.
func (d *day) end(name string, err error) {
	d.t.Helper()
	var gate chan error
	d.wait(name+" is being made", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		gate = d.blocked[name]
		return gate != nil
	})
	gate <- err
	d.wait("the queue knows how "+name+" ended", func() bool {
		var state string
		d.scan(`select q.state from reporting_river.river_job q join report_attempt r on r.river_job_id = q.id where r.job_id = $1`, []any{[16]byte(d.submitted[name].JobID)}, &state)
		return state != "running"
	})
}

func (d *day) time() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

// setTime sets the clock and waits for a heartbeat of every running attempt at the new time.
// Otherwise the sweep would take them for dead.
func (d *day) setTime(to time.Time) {
	d.t.Helper()
	d.mu.Lock()
	d.now = to
	var busy []string
	for name := range d.blocked {
		busy = append(busy, name)
	}
	d.mu.Unlock()
	for _, name := range busy {
		d.wait(name+" is known to be alive", func() bool {
			var alive bool
			d.scan(`select coalesce(heartbeat_at >= $2, false) from report_attempt where job_id = $1`, []any{[16]byte(d.submitted[name].JobID), to}, &alive)
			return alive
		})
	}
}

// order places an order, for now or for the coming night.
func (d *day) order(name string, scheduled bool) {
	d.t.Helper()
	order := report.Order{
		ReportClass: "reporting.test.Report", UserID: dayUser, Source: name,
		Parameters: fmt.Appendf(nil, `{"resourceType":"Parameters","parameter":[{"name":"anonymization","valueString":"None"},{"name":"name","valueString":%q}]}`, name),
	}
	if scheduled {
		order.Due = d.night.Next(d.time())
	}
	placed, err := d.orders.Submit(d.t.Context(), order)
	if err != nil || !placed.Binary.LastUpdated.Equal(d.time()) {
		d.t.Fatalf("%s: %+v, %v", name, placed, err)
	}
	d.submitted[name], d.names[placed.JobID] = placed, name
}

// wait waits until something is so.
func (d *day) wait(what string, is func() bool) {
	d.t.Helper()
	for end := time.Now().Add(dayPatience); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			d.t.Fatalf("never: %s", what)
		}
	}
}

func (d *day) scan(sql string, args []any, into ...any) {
	d.t.Helper()
	if err := d.conn.QueryRow(d.t.Context(), sql, args...).Scan(into...); err != nil {
		d.t.Fatal(err)
	}
}
