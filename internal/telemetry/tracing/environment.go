// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"errors"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"golang.org/x/net/http/httpguts"
)

// environment reads variables and collects what is wrong with them.
type environment struct {
	get      func(name string) string
	problems []error
}

// Read reads the settings from the environment, by a function such as os.Getenv. The
// errors are all that is wrong, each beginning with the variable's name; none repeats a
// value, which may be a secret. What turns traces off altogether is asked first, and then
// nothing can be wrong.
func Read(getenv func(name string) string) (Settings, []error) {
	e := &environment{get: func(name string) string { return strings.TrimSpace(getenv(name)) }}
	if strings.EqualFold(e.get("OTEL_SDK_DISABLED"), "true") {
		return Settings{}, nil
	}
	exporter := e.word("OTEL_TRACES_EXPORTER", "", "", "otlp", "none")
	if exporter == "none" {
		return Settings{}, e.problems
	}
	s := Settings{endpoint: e.endpoint(), service: "reporting"}
	if s.endpoint == nil && exporter == "otlp" && e.problems == nil {
		e.add("OTEL_TRACES_EXPORTER", "is otlp, but OTEL_EXPORTER_OTLP_ENDPOINT does not say where to")
	}
	protocol, name := e.forTraces("PROTOCOL")
	if protocol != "" && protocol != "http/protobuf" {
		e.add(name, "must be http/protobuf: no other is spoken here")
	}
	compression, name := e.forTraces("COMPRESSION")
	if s.gzip = compression == "gzip"; !slices.Contains([]string{"", "none", "gzip"}, compression) {
		e.add(name, "must be gzip or none")
	}
	s.headers, s.tls = e.headers(), e.tls()
	_, name = e.forTraces("TIMEOUT")
	s.timeout = e.milliseconds(name, 10*time.Second)

	s.samplerName = e.word("OTEL_TRACES_SAMPLER", parentAlwaysOn,
		alwaysOn, alwaysOff, traceIDRatio, parentAlwaysOn, parentAlwaysOff, parentTraceIDRate)
	s.ratio = 1
	if text := e.get("OTEL_TRACES_SAMPLER_ARG"); text != "" && s.hasRatio() {
		var err error
		if s.ratio, err = strconv.ParseFloat(text, 64); err != nil || !(s.ratio >= 0 && s.ratio <= 1) {
			e.add("OTEL_TRACES_SAMPLER_ARG", "must be a number from 0 to 1")
		}
	}
	e.about(&s)
	s.delay = e.milliseconds("OTEL_BSP_SCHEDULE_DELAY", sdk.DefaultScheduleDelay*time.Millisecond)
	s.exportTimeout = e.milliseconds("OTEL_BSP_EXPORT_TIMEOUT", sdk.DefaultExportTimeout*time.Millisecond)
	s.queue = e.number("OTEL_BSP_MAX_QUEUE_SIZE", sdk.DefaultMaxQueueSize)
	s.batch = e.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", min(sdk.DefaultMaxExportBatchSize, s.queue))
	if s.batch > s.queue {
		e.add("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "must not be above OTEL_BSP_MAX_QUEUE_SIZE")
	}
	return s, e.problems
}

func (e *environment) add(name, text string) {
	e.problems = append(e.problems, errors.New(name+" "+text))
}

// forTraces returns the value of a setting of the exporter, and its name: the one for
// traces alone, or else the one for all that is sent.
func (e *environment) forTraces(setting string) (value, name string) {
	name = "OTEL_EXPORTER_OTLP_TRACES_" + setting
	if value = e.get(name); value != "" {
		return value, name
	}
	name = "OTEL_EXPORTER_OTLP_" + setting
	return e.get(name), name
}

// endpoint is where traces go; the endpoint for all that is sent has a path for each.
func (e *environment) endpoint() *url.URL {
	text, name := e.forTraces("ENDPOINT")
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		e.add(name, "must be an absolute http or https URL, as in http://collector:4318")
		return nil
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		e.add(name, "must not have a user, a query or a fragment; what a collector wants to know goes into OTEL_EXPORTER_OTLP_HEADERS")
		return nil
	case name == "OTEL_EXPORTER_OTLP_ENDPOINT":
		u = u.JoinPath("v1/traces")
	case u.Path == "":
		u.Path = "/"
	}
	return u
}

// headers reads name=value pairs, in which values may be percent-encoded.
func (e *environment) headers() map[string]string {
	text, name := e.forTraces("HEADERS")
	headers := map[string]string{}
	for key, value := range e.pairs(name, text) {
		if !httpguts.ValidHeaderFieldName(key) || !httpguts.ValidHeaderFieldValue(value) {
			e.add(name, "must list headers, as in api-key=secret,tenant=7")
			continue
		}
		headers[key] = value
	}
	return headers
}

// about reads what the collector is told about this process.
func (e *environment) about(s *Settings) {
	const name = "OTEL_RESOURCE_ATTRIBUTES"
	pairs := e.pairs(name, e.get(name))
	if service := pairs[string(semconv.ServiceNameKey)]; service != "" {
		s.service = service
	}
	if service := e.get("OTEL_SERVICE_NAME"); service != "" {
		s.service = service
	}
	for key, value := range pairs {
		s.resource = append(s.resource, attribute.String(key, value))
	}
	s.resource = append(s.resource, semconv.ServiceName(s.service)) // the last one counts
}

// pairs reads a comma list of key=value.
func (e *environment) pairs(name, text string) map[string]string {
	pairs := map[string]string{}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		key, value, ok := strings.Cut(item, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if key = strings.TrimSpace(key); !ok || key == "" || err != nil {
			e.add(name, "must be a comma list of key=value, values percent-encoded")
			return nil
		}
		pairs[key] = value
	}
	return pairs
}

func (e *environment) word(name, fallback string, allowed ...string) string {
	word := strings.ToLower(e.get(name))
	if word == "" {
		return fallback
	}
	if !slices.Contains(allowed, word) {
		e.add(name, "must be "+strings.Join(slices.DeleteFunc(allowed, func(w string) bool { return w == "" }), " or "))
		return fallback
	}
	return word
}

func (e *environment) number(name string, fallback int) int {
	text := e.get(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 || n > math.MaxInt32 {
		e.add(name, "must be a whole number above zero")
		return fallback
	}
	return n
}

func (e *environment) milliseconds(name string, fallback time.Duration) time.Duration {
	return time.Duration(e.number(name, int(fallback/time.Millisecond))) * time.Millisecond
}
