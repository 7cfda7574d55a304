// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// Settings tell whether and where to send traces. The zero value is off. The OpenTelemetry SDK
// reads the other OTEL_* variables of the process by itself.
type Settings struct{ endpoint *url.URL }

// Read reads the settings from the environment, with a function such as os.Getenv. Each error
// begins with the name of the variable and contains no value, because a value can be a secret.
func Read(getenv func(name string) string) (Settings, []error) {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") {
		return Settings{}, nil
	}
	exporter := getenv("OTEL_TRACES_EXPORTER")
	name, text := forTraces(getenv, "ENDPOINT")
	switch {
	case exporter == "none" || exporter == "" && text == "":
		return Settings{}, nil
	case exporter != "" && exporter != "otlp":
		return Settings{}, []error{errors.New("OTEL_TRACES_EXPORTER must be otlp or none")}
	case text == "":
		return Settings{}, []error{errors.New("OTEL_TRACES_EXPORTER is otlp, but OTEL_EXPORTER_OTLP_ENDPOINT is not set")}
	}
	var problems []error
	endpoint, err := parseEndpoint(text)
	if err != nil {
		problems = append(problems, fmt.Errorf("%s %w", name, err))
	} else if name == "OTEL_EXPORTER_OTLP_ENDPOINT" { // the endpoint of all signals
		endpoint = endpoint.JoinPath("v1/traces")
	}
	if name, protocol := forTraces(getenv, "PROTOCOL"); protocol != "" && protocol != "http/protobuf" {
		problems = append(problems, errors.New(name+" must be http/protobuf: the service supports no other protocol"))
	}
	return Settings{endpoint: endpoint}, problems
}

// forTraces returns the variable of the exporter for traces, or else the one for all signals.
func forTraces(getenv func(string) string, setting string) (name, value string) {
	name = "OTEL_EXPORTER_OTLP_TRACES_" + setting
	if value = getenv(name); value != "" {
		return name, value
	}
	name = "OTEL_EXPORTER_OTLP_" + setting
	return name, getenv(name)
}

func parseEndpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, errors.New("must be an absolute http or https URL, as in http://collector:4318")
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return nil, errors.New("must not have a user, a query or a fragment: put credentials into OTEL_EXPORTER_OTLP_HEADERS")
	}
	return u, nil
}

// On reports whether traces are sent.
func (s Settings) On() bool { return s.endpoint != nil }

// Print writes the settings as NAME=value lines.
func (s Settings) Print(w io.Writer) {
	if !s.On() {
		_, _ = fmt.Fprintln(w, "OTEL_TRACES_EXPORTER=none")
		return
	}
	_, _ = fmt.Fprintf(w, "OTEL_TRACES_EXPORTER=otlp\nOTEL_EXPORTER_OTLP_TRACES_ENDPOINT=%s\n", s.endpoint)
}
