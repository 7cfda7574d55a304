// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// retryLimit is how long the exporter retries one batch. While it does, further spans wait in the
// queue of the SDK, which drops spans when it is full.
const retryLimit = 10 * time.Second

// maxResponse is the maximum size of a response of the collector, in bytes. The exporter copies the
// response into its error.
const maxResponse = 4 << 10

// exporter sends spans to the collector. It logs when the collector stops and when it starts to
// accept spans. It returns no errors, because the SDK would print each of them.
type exporter struct {
	sdk.SpanExporter

	log      *slog.Logger
	endpoint string

	mu      sync.Mutex
	failing bool
}

func newExporter(ctx context.Context, s Settings, log *slog.Logger) (*exporter, error) {
	otlp, err := otlptracehttp.New(ctx,
		otlptracehttp.WithEndpointURL(s.endpoint.String()),
		otlptracehttp.WithProxy(proxy),
		otlptracehttp.WithMaxResponseSize(maxResponse),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
			Enabled: true, InitialInterval: time.Second, MaxInterval: retryLimit / 2, MaxElapsedTime: retryLimit,
		}))
	if err != nil {
		return nil, err
	}
	return &exporter{SpanExporter: otlp, log: log, endpoint: s.endpoint.String()}, nil
}

var errRedirect = errors.New("the collector redirects: set the endpoint to the address that it names")

// proxy returns the proxy of the environment. It refuses redirects, because the headers of
// OTEL_EXPORTER_OTLP_HEADERS can be secret and are for the endpoint only. The exporter has no other
// hook that keeps the certificates of the environment.
func proxy(r *http.Request) (*url.URL, error) {
	if r.Response != nil { // the response that caused this request
		return nil, errRedirect
	}
	return http.ProxyFromEnvironment(r)
}

// ExportSpans implements sdk.SpanExporter.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	e.report(ctx, e.SpanExporter.ExportSpans(ctx, spans))
	return nil
}

// report logs the result of an export when it differs from the one before.
func (e *exporter) report(ctx context.Context, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch failing := err != nil; {
	case failing == e.failing:
	case failing:
		e.log.WarnContext(ctx, "export traces failed: spans are lost until the collector accepts them", "endpoint", e.endpoint, "error", err.Error())
	default:
		e.log.InfoContext(ctx, "export traces succeeded again")
	}
	e.failing = err != nil
}
