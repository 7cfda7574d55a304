// SPDX-License-Identifier: Apache-2.0

package tracing_test

import (
	"errors"
	"strings"
	"testing"

	"reporting/internal/telemetry/tracing"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	const off = "OTEL_TRACES_EXPORTER=none\n"
	on := func(endpoint string) string {
		return "OTEL_TRACES_EXPORTER=otlp\nOTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + endpoint + "\n"
	}
	for _, c := range []struct {
		environ map[string]string
		want    string // settings
		problem string
	}{
		{nil, off, ""},
		{map[string]string{"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "nonsense", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, off, ""},
		{map[string]string{"OTEL_SDK_DISABLED": "TRUE", "OTEL_EXPORTER_OTLP_ENDPOINT": "nonsense", "OTEL_TRACES_EXPORTER": "zipkin"}, off, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, on("http://c:4318/v1/traces"), ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c/otlp/", "OTEL_TRACES_EXPORTER": "otlp"}, on("https://c/otlp/v1/traces"), ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://d:1/x"}, on("http://d:1/x"), ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, on("http://c/v1/traces"), ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, on("http://c/v1/traces"), "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf"},
		{map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, off, "OTEL_EXPORTER_OTLP_ENDPOINT is not set"},
		{map[string]string{"OTEL_TRACES_EXPORTER": "zipkin", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, off, "OTEL_TRACES_EXPORTER must be otlp or none"},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "secret:4318"}, off, "OTEL_EXPORTER_OTLP_ENDPOINT must be an absolute"},
		{map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://secret:secret@c"}, off, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT must not have a user"},
	} {
		settings, problems := tracing.Read(func(name string) string { return c.environ[name] })
		var text strings.Builder
		settings.Print(&text)
		problem := ""
		if err := errors.Join(problems...); err != nil {
			problem = err.Error()
		}
		if text.String() != c.want || (problem == "") != (c.problem == "") || !strings.Contains(problem, c.problem) || strings.Contains(problem, "secret") {
			t.Errorf("%v: got %q and %q, want %q and %q", c.environ, text.String(), problem, c.want, c.problem)
		}
	}
}
