// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"time"

	"reporting/internal/doctor"
	"reporting/internal/fhir"
)

const (
	askTimeout = 5 * time.Second
	maxAnswer  = 1 << 20
)

// public checks where clients find the service.
func (o DoctorOptions) public() doctor.Check {
	const area = "base URL"
	base := o.Config.BaseURL
	if base == nil {
		return notRun(area, "REPORTING_BASE_URL")
	}
	return doctor.Check{Area: area, Run: func(ctx context.Context) (found []doctor.Finding) {
		local := isLocal(base.Hostname())
		if base.Scheme != "https" && !local {
			found = append(found, doctor.Doubt("terminate TLS in front of the service, and write https in REPORTING_BASE_URL",
				"clients are told %s: tokens and jobs would pass the network in the clear", base))
		}
		return append(found, publicAnswer(ctx, base))
	}}
}

// publicAnswer looks who answers under the base URL. That nobody does may be because what
// stands in front of the service is not up yet, or cannot be reached from here.
func publicAnswer(ctx context.Context, base *url.URL) doctor.Finding {
	const mend = "look again when everything is up; the URL need not be reachable from this machine, but from clients"
	if _, err := net.DefaultResolver.LookupHost(ctx, base.Hostname()); err != nil {
		return doctor.Doubt(mend, "%s cannot be resolved here", base.Hostname())
	}
	about, err := askMetadata(ctx, base.String()+"/metadata")
	switch {
	case err != nil:
		return doctor.Doubt(mend, "%s/metadata does not answer here: %v", base, err)
	case about.status >= http.StatusInternalServerError:
		return doctor.Doubt(mend, "%s/metadata answers %d: what stands in front finds no service", base, about.status)
	case about.status != http.StatusOK:
		return doctor.Doubt("see that what stands in front passes the path on as it is", "%s/metadata answers %d", base, about.status)
	case !about.ours:
		return doctor.Bad("correct REPORTING_BASE_URL, or what stands in front", "%s/metadata is answered by something else: it is no CapabilityStatement of this software", base)
	}
	return doctor.Good("%s/metadata is answered by this software (version %s)", base, about.version)
}

// isLocal tells whether a host is this machine.
func isLocal(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// metadata is what a CapabilityStatement says of who answers.
type metadata struct {
	status  int
	ours    bool
	version string
}

func askMetadata(ctx context.Context, address string) (m metadata, err error) {
	status, body, err := get(ctx, address, "application/fhir+json")
	if err != nil {
		return m, err
	}
	var statement struct {
		ResourceType string
		Software     struct{ Name, Version string }
	}
	ours := json.Unmarshal(body, &statement) == nil && statement.ResourceType == "CapabilityStatement" && statement.Software.Name == fhir.SoftwareName
	return metadata{status: status, ours: ours, version: statement.Software.Version}, nil
}

var buildInfo = regexp.MustCompile(`(?m)^reporting_build_info\{[^}]*version="([^"]*)"`)

// askMetrics returns the version of the service whose metrics these are.
func askMetrics(ctx context.Context, address string) (version string, ours bool) {
	_, body, err := get(ctx, address, "text/plain")
	if err != nil {
		return "", false
	}
	match := buildInfo.FindSubmatch(body)
	if match == nil {
		return "", false
	}
	return string(match[1]), true
}

// get asks once, and follows nobody elsewhere.
func get(ctx context.Context, address, accept string) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, nil, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Accept", accept)
	client := http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}, // which knows localhost
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		if failed, ok := err.(*url.Error); ok { //nolint:errorlint // Do returns nothing else; the rest repeats the address
			err = failed.Err
		}
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return response.StatusCode, body, err
}
