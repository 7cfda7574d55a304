// SPDX-License-Identifier: Apache-2.0

package calls

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Answer is what a client saw of one call.
type Answer struct {
	Caller int       // number of it in the plan
	Begin  time.Time // of the call
	Took   time.Duration
	Status int   // 0: none came
	Broken error // no answer, or one that broke off
	Wrong  error // what is wrong with an answer that is whole
	// RetryAfter tells whether the answer said in how many seconds to come back.
	RetryAfter bool
	// Code is that of the first issue of the OperationOutcome, where it is one.
	Code string
}

// Well tells whether the answer was the right list.
func (a Answer) Well() bool { return a.Status == http.StatusOK && a.Broken == nil && a.Wrong == nil }

// body is what the published example sends.
const body = `{"resourceType":"Parameters"}`

func (c Caller) call(ctx context.Context, client *http.Client, to string) (a Answer) {
	token, err := c.Token()
	a.Begin = time.Now()
	if err != nil {
		a.Wrong = err
		return a
	}
	defer func() { a.Took = time.Since(a.Begin) }()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+to+"/fhir/$get-report-job-status", strings.NewReader(body))
	if err != nil {
		a.Wrong = err
		return a
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/fhir+json")
	// The client would send again by itself what a dying connection took, and so hide it.
	request.GetBody = nil
	response, err := client.Do(request)
	if err != nil {
		a.Broken = err
		return a
	}
	defer func() { _ = response.Body.Close() }()
	a.Status = response.StatusCode
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	a.RetryAfter = err == nil && seconds > 0
	text, err := io.ReadAll(response.Body)
	if err != nil {
		a.Broken = err
		return a
	}
	if a.Status == http.StatusOK {
		a.Wrong = c.Right(text)
		return a
	}
	a.Code, a.Wrong = readOutcome(text)
	return a
}

// readOutcome is the code of the first issue.
func readOutcome(text []byte) (string, error) {
	var outcome struct {
		ResourceType string
		Issue        []struct{ Code, Diagnostics string }
	}
	if err := json.Unmarshal(text, &outcome); err != nil {
		return "", fmt.Errorf("the error is no JSON: %w: %.200s", err, text)
	}
	if outcome.ResourceType != "OperationOutcome" || len(outcome.Issue) == 0 || outcome.Issue[0].Diagnostics == "" {
		return "", fmt.Errorf("the error is no OperationOutcome that says something: %.200s", text)
	}
	return outcome.Issue[0].Code, nil
}
