// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"context"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	oteltrace "go.opentelemetry.io/otel/trace"

	"reporting/internal/report"
)

// jobs creates a span for each query.
type jobs struct {
	report.Jobs

	tracer oteltrace.Tracer
}

// Jobs returns a store that creates a span for each query, from its start to its last row, with the
// time that it waits for a connection. Without a tracer it returns store.
func (t *Tracer) Jobs(store report.Jobs) report.Jobs {
	if t == nil {
		return store
	}
	return jobs{Jobs: store, tracer: t.tracer}
}

// EachJob implements report.Jobs.
func (j jobs) EachJob(ctx context.Context, filter report.Filter, yield func(*report.Job) error) error {
	if !oteltrace.SpanFromContext(ctx).IsRecording() {
		return j.Jobs.EachJob(ctx, filter, yield)
	}
	ctx, span := j.tracer.Start(ctx, "query", oteltrace.WithSpanKind(oteltrace.SpanKindClient), oteltrace.WithAttributes(
		semconv.DBSystemNamePostgreSQL, semconv.DBCollectionName("report_job"), semconv.DBOperationName("SELECT")))
	defer span.End() // also when yield panics
	rows := 0
	var refused bool
	err := j.Jobs.EachJob(ctx, filter, func(job *report.Job) error {
		rows++
		err := yield(job)
		refused = err != nil
		return err
	})
	span.SetAttributes(semconv.DBResponseReturnedRows(rows))
	if err != nil && !refused {
		fail(span, report.KindOf(err).String())
	}
	return err
}
