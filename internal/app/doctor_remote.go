// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"reporting/internal/doctor"
	"reporting/internal/fhir"
	"reporting/internal/source/fhirsearch"
	"reporting/internal/source/ndjson"
)

// baseURL checks the address under which clients find the service.
func (o DoctorOptions) baseURL() doctor.Check {
	const area = "base URL"
	base := o.Config.BaseURL
	if base == nil {
		return skip(area, "REPORTING_BASE_URL")
	}
	return doctor.Check{Area: area, Run: func(ctx context.Context) (findings []doctor.Finding) {
		if base.Scheme != "https" && !isLocal(base.Hostname()) {
			findings = append(findings, doctor.Warn("terminate TLS in front of the service, and use https in REPORTING_BASE_URL",
				"%s sends tokens and jobs over the network without TLS", base))
		}
		return append(findings, checkMetadata(ctx, base.String()+"/metadata"))
	}}
}

// checkMetadata reads a CapabilityStatement. That nothing answers may be because the service
// does not run yet, or because this machine cannot reach the address.
func checkMetadata(ctx context.Context, address string) doctor.Finding {
	const remedy = "check again when the service and the proxy in front of it run; clients must reach this address"
	status, body, err := get(ctx, address)
	if err != nil {
		return doctor.Warn(remedy, "%s cannot be read from here: %v", address, err)
	}
	if status != http.StatusOK {
		return doctor.Warn(remedy, "%s answers with status %d", address, status)
	}
	var statement struct {
		ResourceType string
		Software     struct{ Name, Version string }
	}
	if json.Unmarshal(body, &statement) != nil || statement.ResourceType != "CapabilityStatement" || statement.Software.Name != fhir.SoftwareName {
		return doctor.Fail("correct REPORTING_BASE_URL, or the proxy in front of the service", "another service answers %s", address)
	}
	return doctor.Pass("this service answers %s (version %s)", address, statement.Software.Version)
}

// isLocal returns true when a host is this machine.
func isLocal(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// get sends one request, and follows no redirect.
func get(ctx context.Context, address string) (status int, body []byte, err error) {
	const timeout, maxBody = 5 * time.Second, 1 << 20
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, nil, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Accept", "application/fhir+json")
	client := http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return 0, nil, failed.Err // without the address
	}
	defer func() { _ = response.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(response.Body, maxBody))
	return response.StatusCode, body, err
}

// source reads from the source of report data.
func (o DoctorOptions) source(ctx context.Context) []doctor.Finding {
	const remedy = "correct REPORTING_SOURCE or a setting that belongs to it, or the source"
	r := o.Config.Reports
	if r.Zone == nil {
		return []doctor.Finding{doctor.Skip("REPORTING_TIME_ZONE is not valid")}
	}
	switch source := episodes(r, o.Now).(type) {
	case *fhirsearch.Server:
		_, found, err := source.Probe(ctx)
		switch {
		case err != nil && r.Source.TokenURL == "":
			return []doctor.Finding{doctor.Fail(remedy+"; without REPORTING_SOURCE_TOKEN_URL the service sends no token", "%s: %v", r.Source.URL, err)}
		case err != nil:
			return []doctor.Finding{doctor.Fail(remedy, "%s: %v", r.Source.URL, err)}
		case !found:
			return []doctor.Finding{doctor.Warn("see what the client of the service may read there", "%s has no episode of care for this service", r.Source.URL)}
		}
		return []doctor.Finding{doctor.Pass("%s has episodes of care", r.Source.URL)}
	case *ndjson.Folder:
		files, full, err := source.Probe(ctx)
		switch {
		case err != nil:
			return []doctor.Finding{doctor.Fail(remedy+"; the user of the service must be able to read it", "%s: %v", r.Source.Dir, err)}
		case full == 0:
			return []doctor.Finding{doctor.Warn("export again", "the %d files in %s have no episode of care", files, r.Source.Dir)}
		}
		return []doctor.Finding{doctor.Pass("%s has %d files with episodes of care", r.Source.Dir, full)}
	}
	return []doctor.Finding{doctor.Warn("name a FHIR server or a folder with an export in REPORTING_SOURCE", "reports use %d synthetic episodes", r.Source.Episodes)}
}
