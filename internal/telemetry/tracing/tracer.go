// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"context"
	"log/slog"
	"net/url"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// Tracer creates spans and sends them. A nil Tracer creates none.
type Tracer struct {
	tracer   oteltrace.Tracer
	provider *sdk.TracerProvider
	exporter *exporter
	server   []attribute.KeyValue // attributes of every request
}

// Options configure a Tracer.
type Options struct {
	Settings Settings
	Version  string   // of this program
	Base     *url.URL // public base URL of the API; nil in tests
	Log      *slog.Logger
}

// New returns a tracer, or nil when traces are off. It makes no connection.
func New(ctx context.Context, o Options) (*Tracer, error) {
	if !o.Settings.On() {
		return nil, nil //nolint:nilnil // a nil Tracer creates no spans
	}
	logSDK(o.Log)
	service, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(semconv.ServiceName("reporting"), semconv.ServiceVersion(o.Version)), resource.WithFromEnv())
	if err != nil {
		return nil, err
	}
	exporter, err := newExporter(ctx, o.Settings, o.Log)
	if err != nil {
		return nil, err
	}
	provider := sdk.NewTracerProvider(sdk.WithResource(service), sdk.WithBatcher(exporter)) // with the sampler of OTEL_TRACES_SAMPLER
	o.Log.InfoContext(ctx, "traces enabled", "endpoint", o.Settings.endpoint.String())
	return &Tracer{
		tracer:   provider.Tracer("reporting", oteltrace.WithInstrumentationVersion(o.Version), oteltrace.WithSchemaURL(semconv.SchemaURL)),
		provider: provider, exporter: exporter, server: serverAttributes(o.Base),
	}, nil
}

// serverAttributes describe the server by its base URL, because a client chooses the Host header.
func serverAttributes(base *url.URL) []attribute.KeyValue {
	if base == nil {
		return nil
	}
	list := []attribute.KeyValue{semconv.URLScheme(base.Scheme), semconv.ServerAddress(base.Hostname())}
	if port, err := strconv.Atoi(base.Port()); err == nil {
		list = append(list, semconv.ServerPort(port))
	}
	return list
}

// Close sends the remaining spans, but not after the end of ctx. It logs a failure and returns no
// error, because spans are not essential.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		t.exporter.report(ctx, err)
	}
	return nil
}
