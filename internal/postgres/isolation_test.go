// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"reporting/internal/auth"
	"reporting/internal/auth/authtest"
	"reporting/internal/fhir"
	"reporting/internal/httpapi"
	"reporting/internal/httpapi/jobstatus"
	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
	"reporting/internal/telemetry"
)

// crowd is a set of users, each with a token and some jobs.
type crowd struct {
	users  []string
	tokens map[string]string
	owned  map[string]map[string]bool // job ids by user
	jobs   []report.Job
}

func newCrowd(idp *authtest.IDP, size int, random *rand.Rand) crowd {
	c := crowd{tokens: map[string]string{}, owned: map[string]map[string]bool{}}
	for n := range size {
		// User ids that are prefixes of one another, or differ in case only.
		user := fmt.Sprintf("user-%d", n/2)
		if n%2 == 1 {
			user = strings.ToUpper(user)
		}
		c.users = append(c.users, user)
		c.tokens[user] = idp.Token(user)
		c.owned[user] = map[string]bool{}
		for range random.IntN(8) {
			made := job(user, noon.Add(time.Duration(random.IntN(1000))*time.Second))
			c.owned[user][made.ID.String()] = true
			c.jobs = append(c.jobs, made)
		}
	}
	return c
}

// service is the API as in production, with a verifier of tokens, on the given jobs.
func service(t *testing.T, idp *authtest.IDP, jobs report.Jobs) *httptest.Server {
	t.Helper()
	verifier, err := auth.NewVerifier(auth.VerifierOptions{Issuers: []string{idp.Issuer()}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- verifier.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	for verifier.Ready(t.Context()) != nil {
		time.Sleep(10 * time.Millisecond)
	}
	base := &url.URL{Scheme: "http", Host: "localhost", Path: "/fhir"}
	handler, err := httpapi.New(httpapi.Options{
		Base: base, Auth: verifier, MaxBody: 1 << 20, Log: discard, Metrics: telemetry.NewMetrics(telemetry.Build{}),
		Operations: []httpapi.Operation{jobstatus.New(jobs, fhir.Links{Base: base.String()})},
		Draining:   func() bool { return false }, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

type statusBundle struct {
	Entry []struct {
		FullURL  string
		Resource struct {
			Parameter []struct {
				Part []struct{ Name, ValueString string }
			}
		}
	}
}

// ask sends one request as a user. It returns the owners of jobs that are not the user's, and
// the number of jobs.
func (c crowd) ask(server *httptest.Server, user, query string) (foreign []string, got int, err error) {
	request, err := http.NewRequest(http.MethodGet, server.URL+"/fhir/$get-report-job-status"+query, http.NoBody)
	if err != nil {
		return nil, 0, err
	}
	request.Header.Set("Authorization", "Bearer "+c.tokens[user])
	response, err := server.Client().Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("%d %s: %w", response.StatusCode, text, err)
	}
	var bundle statusBundle
	if err := json.Unmarshal(text, &bundle); err != nil {
		return nil, 0, err
	}
	for _, entry := range bundle.Entry {
		owner := entry.Resource.Parameter[0].Part[1]
		if owner.Name != "userId" || owner.ValueString != user || !c.owned[user][entry.FullURL] {
			foreign = append(foreign, owner.ValueString)
		}
	}
	return foreign, len(bundle.Entry), nil
}

// rush sends requests for all users from concurrent callers, each in an order of its own. It
// counts responses with a job of another user, or with the wrong number of jobs.
func (c crowd) rush(t *testing.T, server *httptest.Server, callers, requests int) (wrong int64) {
	t.Helper()
	var mistakes atomic.Int64
	var wg sync.WaitGroup
	server.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = callers
	for caller := range callers {
		random := rand.New(rand.NewPCG(uint64(caller), 7))
		order := random.Perm(len(c.users))
		wg.Go(func() {
			for n := range requests {
				user := c.users[order[n%len(order)]]
				query, want := "", len(c.owned[user])
				switch random.IntN(4) {
				case 0:
					query, want = "?_count=2", min(want, 2)
				case 1:
					query, want = "?status=DONE", 0 // all jobs are QUEUED
				}
				foreign, got, err := c.ask(server, user, query)
				if err != nil {
					t.Errorf("%s: %v", user, err)
					return
				}
				if len(foreign) > 0 || got != want {
					mistakes.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return mistakes.Load()
}

// A thousand users see only their own jobs, with the user filter and without it.
func TestThousandUsersSeeOnlyTheirJobs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	t.Parallel()
	const users, callers, requests = 1000, 16, 250
	idp, random := authtest.New(t), rand.New(rand.NewPCG(4, 4))
	all := newCrowd(idp, users, random)
	db := pgtest.New(t)
	db.Load(t, all.jobs...)
	db.Exec(t, "analyze report_job")
	jobs := postgres.NewJobStore(openPool(t, db.Reader, 8), 5*time.Second)
	for name, store := range map[string]*postgres.JobStore{"with user filter": jobs, "without user filter": postgres.WithoutUserFilter(jobs)} {
		begin := time.Now()
		wrong := all.rush(t, service(t, idp, store), callers, requests)
		if wrong != 0 {
			t.Errorf("%s: %d wrong responses", name, wrong)
		}
		t.Logf("%s: %d users, %d jobs, %d requests by %d callers in %s, %d wrong",
			name, users, len(all.jobs), callers*requests, callers, time.Since(begin).Round(time.Millisecond), wrong)
	}
	// Without the filter and row-level security there are wrong responses, so the test can fail.
	db.Exec(t, "alter table report_job disable row level security")
	few := crowd{users: all.users[:4], tokens: all.tokens, owned: all.owned}
	if wrong := few.rush(t, service(t, idp, postgres.WithoutUserFilter(jobs)), 1, 8); wrong == 0 {
		t.Error("without user filter and row-level security no response is wrong")
	}
}
