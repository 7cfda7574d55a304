// SPDX-License-Identifier: Apache-2.0

package tracing_test

import (
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reporting/internal/telemetry/tracetest"
	"reporting/internal/telemetry/tracing"
)

// printed is what an environment comes to, and what is wrong with it, as text.
func printed(environ map[string]string) (settings, problems string) {
	s, wrong := tracing.Read(func(name string) string { return environ[name] })
	var text strings.Builder
	s.Print(&text)
	if err := errors.Join(wrong...); err != nil {
		problems = err.Error()
	}
	return text.String(), problems
}

func TestSettings(t *testing.T) {
	t.Parallel()
	const off = "OTEL_TRACES_EXPORTER=none\n"
	on := func(endpoint, sampler, service string) string {
		return "OTEL_TRACES_EXPORTER=otlp\nOTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + endpoint +
			"\nOTEL_TRACES_SAMPLER=" + sampler + "\nOTEL_SERVICE_NAME=" + service + "\n"
	}
	const usual = "parentbased_always_on"
	for _, c := range []struct {
		environ map[string]string
		want    string
	}{
		{nil, off},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, off},
		{map[string]string{"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "nonsense", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, off},
		{map[string]string{"OTEL_SDK_DISABLED": "TRUE", "OTEL_EXPORTER_OTLP_ENDPOINT": "nonsense", "OTEL_TRACES_EXPORTER": "zipkin"}, off},
		{
			map[string]string{"OTEL_SDK_DISABLED": "false", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"},
			on("http://c:4318/v1/traces", usual, "reporting"),
		},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c/otlp/"}, on("https://c/otlp/v1/traces", usual, "reporting")},
		{
			map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://d:1/x"},
			on("http://d:1/x", usual, "reporting"),
		},
		{map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://d:1"}, on("http://d:1/", usual, "reporting")},
		{
			map[string]string{
				"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
				"OTEL_TRACES_SAMPLER": " AlwaysOn ", "OTEL_SERVICE_NAME": "a", "OTEL_RESOURCE_ATTRIBUTES": "service.name=b",
				"OTEL_EXPORTER_OTLP_HEADERS": "k=hush",
			},
			"",
		},
		{
			map[string]string{
				"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1",
				"OTEL_RESOURCE_ATTRIBUTES": "service.name=b", "OTEL_EXPORTER_OTLP_HEADERS": "k=hush",
			},
			on("http://c/v1/traces", "parentbased_traceidratio\nOTEL_TRACES_SAMPLER_ARG=0.1", "b"),
		},
	} {
		settings, problems := printed(c.environ)
		if c.want == "" {
			if !strings.Contains(problems, "OTEL_TRACES_SAMPLER must be") {
				t.Errorf("%v: %q", c.environ, problems)
			}
			continue
		}
		if settings != c.want || problems != "" {
			t.Errorf("%v:\n%s%s, want\n%s", c.environ, settings, problems, c.want)
		}
	}
}

// Everything that is wrong is told at once, and never with the value.
func TestProblems(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"OTEL_TRACES_EXPORTER":                  "hush",
		"OTEL_EXPORTER_OTLP_ENDPOINT":           "hush:4318",
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT":    "http://hush:hush@c",
		"OTEL_EXPORTER_OTLP_PROTOCOL":           "grpc",
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL":    "http/json",
		"OTEL_EXPORTER_OTLP_COMPRESSION":        "hush",
		"OTEL_EXPORTER_OTLP_HEADERS":            "hush",
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS":     "hush hush=hush",
		"OTEL_EXPORTER_OTLP_TIMEOUT":            "hush",
		"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT":     "-1",
		"OTEL_EXPORTER_OTLP_CERTIFICATE":        empty,
		"OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE": "/hush/hush",
		"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": empty,
		"OTEL_EXPORTER_OTLP_CLIENT_KEY":         empty,
		"OTEL_TRACES_SAMPLER":                   "jaeger_remote",
		"OTEL_RESOURCE_ATTRIBUTES":              "a=hush%zz",
		"OTEL_BSP_SCHEDULE_DELAY":               "0",
		"OTEL_BSP_EXPORT_TIMEOUT":               "5s",
		"OTEL_BSP_MAX_QUEUE_SIZE":               "1e3",
		"OTEL_BSP_MAX_EXPORT_BATCH_SIZE":        "4096", // above the queue's
		"OTEL_TRACES_SAMPLER_ARG":               "2",
	} {
		environ := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", name: value}
		if name == "OTEL_TRACES_SAMPLER_ARG" {
			environ["OTEL_TRACES_SAMPLER"] = "traceidratio"
		}
		_, problems := printed(environ)
		if !strings.Contains(problems, name) || strings.Contains(problems, "hush") || strings.Contains(problems, "\n") {
			t.Errorf("%s: %q", name, problems)
		}
	}
	_, problems := printed(map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_TRACES_SAMPLER": "x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
	if n := strings.Count(problems, "\n"); n != 2 || !strings.Contains(problems, "does not say where to") {
		t.Errorf("not all are told: %s", problems)
	}
	environ := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_BSP_MAX_QUEUE_SIZE": "10"}
	if _, problems := printed(environ); problems != "" {
		t.Errorf("a short queue alone: %s", problems)
	}
	maps.Copy(environ, map[string]string{"OTEL_TRACES_SAMPLER": "always_on", "OTEL_TRACES_SAMPLER_ARG": "unused"})
	if _, problems := printed(environ); problems != "" {
		t.Errorf("an argument that nobody asks for: %s", problems)
	}
}

// A collector whose certificate the system does not know is believed when the settings
// name it, and only then.
func TestCertificate(t *testing.T) {
	t.Parallel()
	collector := tracetest.New(t)
	server := httptest.NewTLSServer(http.HandlerFunc(collector.ServeHTTP))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	stranger, log := open(t, server.URL, nil)
	end(t, stranger, nil, fine)
	waitFor(t, "the log", func() bool { return log.count(away) == 1 })
	shut(t, stranger)
	if n := len(collector.Spans()); n != 0 {
		t.Fatalf("%d spans went to somebody unknown", n)
	}
	known, _ := open(t, server.URL, map[string]string{"OTEL_EXPORTER_OTLP_CERTIFICATE": file})
	end(t, known, nil, fine)
	shut(t, known)
	if n := len(collector.Spans()); n != 1 {
		t.Errorf("%d spans", n)
	}
}
