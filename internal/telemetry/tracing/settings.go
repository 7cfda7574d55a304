// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// Settings say whether traces are sent, and where to. They are the OTEL_* variables of
// the OpenTelemetry specification; the zero value is off.
type Settings struct {
	endpoint *url.URL          // of the collector, for traces; nil: off
	headers  map[string]string // sent to it; secret
	tls      *tls.Config       // nil: the system's
	timeout  time.Duration     // of one try
	gzip     bool

	samplerName string
	ratio       float64 // of the samplers that have one

	service  string
	resource []attribute.KeyValue

	delay, exportTimeout time.Duration
	queue, batch         int // spans
}

// On tells whether traces are sent.
func (s Settings) On() bool { return s.endpoint != nil }

// Print writes what is in force as NAME=value lines, without what may be secret.
func (s Settings) Print(w io.Writer) {
	if !s.On() {
		_, _ = fmt.Fprintln(w, "OTEL_TRACES_EXPORTER=none")
		return
	}
	_, _ = fmt.Fprintf(w, "OTEL_TRACES_EXPORTER=otlp\nOTEL_EXPORTER_OTLP_TRACES_ENDPOINT=%s\nOTEL_TRACES_SAMPLER=%s\n", s.endpoint, s.samplerName)
	if s.hasRatio() {
		_, _ = fmt.Fprintf(w, "OTEL_TRACES_SAMPLER_ARG=%v\n", s.ratio)
	}
	_, _ = fmt.Fprintf(w, "OTEL_SERVICE_NAME=%s\n", s.service)
}

// The samplers of the specification.
const (
	alwaysOn          = "always_on"
	alwaysOff         = "always_off"
	traceIDRatio      = "traceidratio"
	parentAlwaysOn    = "parentbased_always_on" // the default
	parentAlwaysOff   = "parentbased_always_off"
	parentTraceIDRate = "parentbased_traceidratio"
)

func (s Settings) hasRatio() bool {
	return s.samplerName == traceIDRatio || s.samplerName == parentTraceIDRate
}

// samplerText is the sampler in one word.
func (s Settings) samplerText() string {
	if s.hasRatio() {
		return fmt.Sprintf("%s(%v)", s.samplerName, s.ratio)
	}
	return s.samplerName
}

func (s Settings) sampler() sdk.Sampler {
	switch s.samplerName {
	case alwaysOn:
		return sdk.AlwaysSample()
	case alwaysOff:
		return sdk.NeverSample()
	case traceIDRatio:
		return sdk.TraceIDRatioBased(s.ratio)
	case parentAlwaysOff:
		return sdk.ParentBased(sdk.NeverSample())
	case parentTraceIDRate:
		return sdk.ParentBased(sdk.TraceIDRatioBased(s.ratio))
	}
	return sdk.ParentBased(sdk.AlwaysSample())
}

func (s Settings) batches() []sdk.BatchSpanProcessorOption {
	return []sdk.BatchSpanProcessorOption{
		sdk.WithBatchTimeout(s.delay), sdk.WithExportTimeout(s.exportTimeout),
		sdk.WithMaxQueueSize(s.queue), sdk.WithMaxExportBatchSize(s.batch),
	}
}
