// SPDX-License-Identifier: Apache-2.0

// Package tracetest is a collector of traces for tests. It receives spans by OTLP over HTTP and
// returns them. It must not know the tracer; only tests import it.
package tracetest

import (
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is a received span. Ids are hexadecimal.
type Span struct {
	TraceID, ID, Parent string
	State               string // tracestate
	Name, Kind          string // SERVER, CLIENT or INTERNAL
	Attributes          map[string]string
	Error               bool
	Message             string // of the status
	Begin, End          time.Time
	Resource            map[string]string
}

// Collector is a running collector.
type Collector struct {
	URL string

	mu      sync.Mutex
	spans   []Span
	raw     []byte // all received bodies, not compressed
	headers []http.Header
	respond http.HandlerFunc
}

// New starts a collector that ends with the test.
func New(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

// Respond makes h the handler of all further requests, without storing spans. With nil the collector
// stores spans again.
func (c *Collector) Respond(h http.HandlerFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.respond = h
}

// ServeHTTP implements http.Handler.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	answer := c.respond
	c.headers = append(c.headers, r.Header.Clone())
	c.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	if err := c.take(r); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func (c *Collector) take(r *http.Request) error {
	if r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		return fmt.Errorf("%s %s with %s is not an OTLP request", r.Method, r.URL.Path, r.Header.Get("Content-Type"))
	}
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		inflated, err := gzip.NewReader(r.Body)
		if err != nil {
			return err
		}
		body = inflated
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	var data tracepb.TracesData
	if err := proto.Unmarshal(text, &data); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = append(c.raw, text...)
	for _, resource := range data.GetResourceSpans() {
		about := attributes(resource.GetResource().GetAttributes())
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.spans = append(c.spans, read(span, about))
			}
		}
	}
	return nil
}

func read(s *tracepb.Span, resource map[string]string) Span {
	return Span{
		TraceID: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()), Parent: hex.EncodeToString(s.GetParentSpanId()),
		State: s.GetTraceState(), Name: s.GetName(), Kind: strings.TrimPrefix(s.GetKind().String(), "SPAN_KIND_"),
		Attributes: attributes(s.GetAttributes()), Error: s.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR, Message: s.GetStatus().GetMessage(),
		Begin: moment(s.GetStartTimeUnixNano()), End: moment(s.GetEndTimeUnixNano()), Resource: resource,
	}
}

func moment(nano uint64) time.Time { return time.Unix(0, int64(nano)) } //nolint:gosec // until the year 2262

func attributes(list []*commonpb.KeyValue) map[string]string {
	values := map[string]string{}
	for _, a := range list {
		switch v := a.GetValue().GetValue().(type) {
		case *commonpb.AnyValue_StringValue:
			values[a.GetKey()] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			values[a.GetKey()] = strconv.FormatInt(v.IntValue, 10)
		default:
			values[a.GetKey()] = a.GetValue().String()
		}
	}
	return values
}

// Spans returns the received spans, ordered by their start.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	spans := slices.Clone(c.spans)
	slices.SortStableFunc(spans, func(a, b Span) int { return a.Begin.Compare(b.Begin) })
	return spans
}

// Raw returns all received bodies, not compressed.
func (c *Collector) Raw() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.raw)
}

// Headers returns the headers of all requests so far, refused ones included.
func (c *Collector) Headers() []http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.headers)
}
