// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"context"
	"log/slog"
	"net/url"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// Tracer makes spans and sends them. A nil Tracer makes none.
type Tracer struct {
	tracer   oteltrace.Tracer
	provider *sdk.TracerProvider
	client   *client
	server   []attribute.KeyValue // of every request
}

// Options are what a Tracer is made from.
type Options struct {
	Settings Settings
	Version  string   // of this program
	Base     *url.URL // the public base URL of the API, nil in tests
	Log      *slog.Logger
}

// New returns the tracer that the settings ask for: nil when traces are off. It connects
// to nothing yet.
func New(ctx context.Context, o Options) (*Tracer, error) {
	if !o.Settings.On() {
		return nil, nil //nolint:nilnil // no tracer, which is one that does nothing
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(semconv.ServiceVersion(o.Version)), resource.WithAttributes(o.Settings.resource...))
	if err != nil {
		return nil, err
	}
	client := newClient(o.Settings, o.Log)
	exporter, err := otlptrace.New(ctx, client)
	if err != nil {
		return nil, err
	}
	provider := sdk.NewTracerProvider(
		sdk.WithResource(about),
		sdk.WithSampler(o.Settings.sampler()),
		sdk.WithBatcher(exporter, o.Settings.batches()...),
	)
	o.Log.InfoContext(ctx, "traces are sent", "endpoint", o.Settings.endpoint.String(), "sampler", o.Settings.samplerText())
	return &Tracer{
		tracer:   provider.Tracer("reporting", oteltrace.WithInstrumentationVersion(o.Version), oteltrace.WithSchemaURL(semconv.SchemaURL)),
		provider: provider, client: client, server: serverAttributes(o.Base),
	}, nil
}

// serverAttributes say what is asked. The Host header would say what the client likes.
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

// Close sends what waits to be sent, but not beyond ctx. That a collector does not take
// it is told to the log and no error: the service has done its work.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	t.client.hurry()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.client.cutOff(err)
	}
	return nil
}
