// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path"
	"strings"
	"time"
)

// roles are those that ordering and reading take.
const roles = "$fetch-patient-usage-stats,report-non-anonymized,Binary.read"

// wanted is what every report is asked for with.
const wanted = `{"resourceType":"Parameters","parameter":[{"name":"anonymization","valueString":"None"}]}`

// user is one who asks for reports.
type user struct {
	id, token string
	base      string
}

// newUser makes one, whose id begins with the name of a part.
func (s *stage) newUser(ctx context.Context, part string) (user, error) {
	s.users++
	u := user{id: fmt.Sprintf("%s-%d", part, s.users), base: "http://" + s.api.Addr + "/fhir"}
	out, err := exec.CommandContext(ctx, s.program, "token", "--user", u.id, "--roles", roles).Output() //nolint:gosec // the program under test
	if err != nil {
		return u, fmt.Errorf("make a token: %w", err)
	}
	u.token = strings.TrimSpace(string(out))
	return u, nil
}

// answer is one of the service.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// call calls the service.
func (u user) call(ctx context.Context, method, at, body string) (a answer, err error) {
	request, err := http.NewRequestWithContext(ctx, method, u.base+at, strings.NewReader(body))
	if err != nil {
		return a, err
	}
	request.Header.Set("Authorization", "Bearer "+u.token)
	if body != "" {
		request.Header.Set("Content-Type", "application/fhir+json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return a, fmt.Errorf("call: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	a.status, a.header = response.StatusCode, response.Header
	if a.body, err = io.ReadAll(response.Body); err != nil {
		return a, fmt.Errorf("read answer: %w", err)
	}
	return a, nil
}

// order asks for a report, and returns the address of its Binary, as in Binary/7.
func (u user) order(ctx context.Context) (string, error) {
	a, err := u.call(ctx, http.MethodPost, "/$execute-patient-usage-stats", wanted)
	if err != nil {
		return "", err
	}
	location := a.header.Get("Location")
	binary, version, found := strings.Cut(location, "/_history/")
	if a.status != http.StatusOK || !found || version != "1" {
		return "", fmt.Errorf("ordering was answered with %d, %q: %.300s", a.status, location, a.body)
	}
	return "Binary/" + path.Base(binary), nil
}

// job is what the status operation tells of one.
type job struct {
	ID, Status, Binary string
	Ended              time.Time
}

// jobs asks the status operation.
func (u user) jobs(ctx context.Context) (list []job, err error) {
	a, err := u.call(ctx, http.MethodPost, "/$get-report-job-status", `{"resourceType":"Parameters"}`)
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, fmt.Errorf("the status operation answers %d: %.300s", a.status, a.body)
	}
	var bundle struct {
		Entry []struct {
			Resource struct {
				ID        string
				Parameter []struct {
					Part []struct {
						Name, ValueString string
						ValueDateTime     time.Time
						ValueReference    struct{ Reference string }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(a.body, &bundle); err != nil {
		return nil, fmt.Errorf("read the list: %w", err)
	}
	for _, entry := range bundle.Entry {
		j := job{ID: entry.Resource.ID}
		for _, parameter := range entry.Resource.Parameter {
			for _, part := range parameter.Part {
				switch part.Name {
				case "status":
					j.Status = part.ValueString
				case "binary":
					j.Binary = "Binary/" + path.Base(part.ValueReference.Reference)
				case "ended":
					j.Ended = part.ValueDateTime
				}
			}
		}
		list = append(list, j)
	}
	return list, nil
}

// only is the only job of a user.
func (u user) only(ctx context.Context) (job, error) {
	list, err := u.jobs(ctx)
	if err == nil && len(list) != 1 {
		err = fmt.Errorf("%d jobs where one was ordered", len(list))
	}
	if err != nil {
		return job{}, err
	}
	return list[0], nil
}
