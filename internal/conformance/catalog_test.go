// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/auth"
	"reporting/internal/fhir"
	"reporting/internal/httpapi"
	"reporting/internal/httpapi/metadata"
	"reporting/internal/httpapi/orders"
	"reporting/internal/report"
	"reporting/internal/reports/catalog"
	"reporting/internal/telemetry"
)

// ownReports starts an API with reports of the test: no report of the service has all
// rules. It stores no orders, so rejections come from the rules.
func ownReports(t *testing.T, fetching orders.Fetching, list ...catalog.Report) target {
	t.Helper()
	if isRemote() {
		t.Skip("needs a server with reports of this test")
	}
	base := &url.URL{Scheme: "http", Host: "reporting.example.org", Path: "/fhir"}
	operations, routes := orders.Operations(orders.Options{
		Reports: list, Base: base.String(), Fetching: fetching, Now: time.Now, Night: report.DailyTime{Hour: 2, Zone: time.UTC}, Orders: noOrders{},
	})
	about, err := metadata.Routes(fhir.Server{Base: base.String()}, operations)
	if err != nil {
		t.Fatal(err)
	}
	log := &logBuffer{}
	keep(log)
	handler, err := httpapi.New(httpapi.Options{
		Base: base, MaxBody: 1 << 20, Now: time.Now, Operations: operations, Routes: append(about, routes...),
		Auth: auth.NewGateway(auth.GatewayOptions{TrustedPeers: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Now: time.Now}),
		Log:  slog.New(slog.NewJSONHandler(log, nil)), Metrics: telemetry.NewMetrics(telemetry.Build{}), Draining: func() bool { return false },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return target{base: server.URL + base.Path}
}

type noOrders struct{ report.Orders }

func (noOrders) Place(context.Context, report.Order) (report.Submission, error) {
	return report.Submission{}, errors.New("no order is taken")
}

// sample is a report with a mandatory parameter and two mutually exclusive ones.
func sample(generate catalog.Generator, modes ...catalog.Mode) catalog.Report {
	titles := map[catalog.Mode]string{}
	for _, mode := range catalog.Modes() {
		titles[mode] = string(mode)
	}
	return catalog.Report{
		Name: "sample", Class: "com.example.SampleReport", ReportName: "SampleReport", Titles: titles, Description: "A sample.",
		Parameters: []fhir.OperationParameter{
			{Name: "patient", Min: 1, Max: "1", Type: "string"},
			{Name: "plan", Max: "*", Type: "string"},
			{Name: "careteam", Max: "1", Type: "string"},
		},
		Exclusive: [][2]string{{"plan", "careteam"}}, Modes: modes, Role: "$fetch-patient-usage-stats", Generate: generate,
	}
}

// with makes a body with these parameters, all of them strings.
func with(names ...string) string {
	var list []string
	for _, name := range names {
		list = append(list, `{"name":"`+name+`","valueString":"None"}`)
	}
	return `{"resourceType":"Parameters","parameter":[` + strings.Join(list, ",") + `]}`
}

func TestW128_MutuallyExclusiveInputsAre422(t *testing.T) {
	t.Parallel()
	server := ownReports(t, orders.Fetching{AtOnce: 1, Timeout: time.Minute}, sample(quick, catalog.Modes()...))
	for _, mode := range []string{"fetch", "execute", "schedule"} {
		both := order(mode, "sample", newUser(), with("anonymization", "patient", "plan", "plan", "careteam"))
		issue := server.do(t, both).hasCode(t, http.StatusUnprocessableEntity, models.IssueTypeBusinessRule, "REPORTING_MUTUALLY_EXCLUSIVE_INPUT_PARAMETER")
		if want := `Parameters "plan" and "careteam" are mutually exclusive for report "SampleReport".`; *issue.Diagnostics != want {
			t.Errorf("got diagnostics %q, want %q", *issue.Diagnostics, want)
		}
		// One response reports every fault.
		if issues := server.do(t, order(mode, "sample", newUser(), with("plan", "careteam"))).hasIssues(t, http.StatusUnprocessableEntity); len(issues) != 3 {
			t.Errorf("got %d issues, want 3", len(issues))
		}
	}
	for _, names := range [][]string{{"anonymization", "patient", "plan"}, {"anonymization", "careteam", "patient"}, {"patient", "anonymization"}} {
		server.do(t, order("fetch", "sample", newUser(), with(names...))).binary(t)
	}
}

func quick(_ context.Context, _ catalog.Task, out catalog.Output) error {
	return out.Group("Group", "1", 1)
}

func TestW129_DisallowedModesAre422(t *testing.T) {
	t.Parallel()
	for mode, rejection := range map[catalog.Mode][2]string{
		catalog.Fetch:    {"REPORTING_SYNCHRONOUS_GENERATION_NOT_ALLOWED", "Synchronous generation of the report is not allowed"},
		catalog.Execute:  {"REPORTING_EXECUTE_NOT_ALLOWED", "Asynchronous generation of the report is not allowed"},
		catalog.Schedule: {"REPORTING_SCHEDULE_NOT_ALLOWED", "Scheduled generation of the report is not allowed"},
	} {
		others := slices.DeleteFunc(catalog.Modes(), func(m catalog.Mode) bool { return m == mode })
		server := ownReports(t, orders.Fetching{AtOnce: 1, Timeout: time.Minute}, sample(quick, others...))
		issue := server.do(t, order(string(mode), "sample", newUser(), with("anonymization", "patient"))).
			hasCode(t, http.StatusUnprocessableEntity, models.IssueTypeBusinessRule, rejection[0])
		if *issue.Diagnostics != rejection[1] {
			t.Errorf("got diagnostics %q", *issue.Diagnostics)
		}
		// The rule is checked before the inputs and after the role.
		server.do(t, order(string(mode), "sample", newUser(), "")).hasCode(t, http.StatusUnprocessableEntity, models.IssueTypeBusinessRule, rejection[0])
		server.do(t, order(string(mode), "sample", newUser(), "").as()).hasCode(t, http.StatusForbidden, models.IssueTypeForbidden, insufficient)
		name := string(mode) + "-sample"
		if slices.Contains(server.operations(t), name) || len(server.operations(t)) != 2 {
			t.Errorf("got operations %v", server.operations(t))
		}
		server.do(t, get("", "/OperationDefinition/-s-"+name)).hasCode(t, http.StatusNotFound, models.IssueTypeNotFound, "GENERAL_RESOURCE_NOT_FOUND")
	}
}

func TestW134_FetchHasLimits(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{}, 2)
	waiting := sample(func(ctx context.Context, _ catalog.Task, _ catalog.Output) error {
		begun <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}, catalog.Fetch)
	body := with("anonymization", "patient")
	server := ownReports(t, orders.Fetching{AtOnce: 1, Timeout: time.Second}, waiting)
	var slow response
	var ended sync.WaitGroup
	ended.Go(func() { slow = server.do(t, order("fetch", "sample", newUser(), body)) })
	<-begun
	many := server.do(t, order("fetch", "sample", newUser(), body))
	many.isOutcome(t, http.StatusServiceUnavailable, models.IssueTypeTransient)
	ended.Wait()
	issue := slow.isOutcome(t, http.StatusServiceUnavailable, models.IssueTypeTimeout)
	if slow.header.Get("Retry-After") == "" || many.header.Get("Retry-After") == "" || !strings.Contains(*issue.Diagnostics, "$execute-sample") {
		t.Errorf("got headers %v and %v, diagnostics %q; want Retry-After and a hint at $execute-sample", slow.header, many.header, *issue.Diagnostics)
	}

	for err, want := range map[error]string{
		&report.Failure{Reason: "The source is away"}: "Report generation has failed: The source is away.",
		errors.New("select nonsense from /tmp/x"):     "Report generation has failed.",
	} {
		failing := sample(func(context.Context, catalog.Task, catalog.Output) error { return err }, catalog.Fetch)
		server := ownReports(t, orders.Fetching{AtOnce: 1, Timeout: time.Minute}, failing)
		issue := server.do(t, order("fetch", "sample", newUser(), body)).
			hasCode(t, http.StatusInternalServerError, models.IssueTypeException, "REPORTING_REPORT_GENERATION_FAILED")
		if *issue.Diagnostics != want {
			t.Errorf("got diagnostics %q, want %q", *issue.Diagnostics, want)
		}
	}
}
