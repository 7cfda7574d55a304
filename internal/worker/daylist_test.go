// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/auth"
)

// list is what the user is told, newest first: each job's name, state, begin, end and
// reason, with times from the night on.
func (d *day) list(user string, night time.Time) string {
	d.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/fhir/$get-report-job-status?outcome=true", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+auth.UnsignedToken(auth.Principal{UserID: user}, time.Time{}))
	w := httptest.NewRecorder()
	d.api.ServeHTTP(w, r)
	bundle, err := models.UnmarshalBundle(w.Body.Bytes())
	if err != nil || w.Code != http.StatusOK {
		d.t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	var lines []string
	for _, entry := range bundle.Entry {
		resource, err := models.UnmarshalParameters(entry.Resource)
		if err != nil {
			d.t.Fatal(err)
		}
		lines = append(lines, d.line(resource, night))
	}
	return strings.Join(lines, "\n")
}

func (d *day) line(resource models.Parameters, night time.Time) string {
	d.t.Helper()
	name := "?"
	for id, known := range d.names {
		if resource.Id != nil && id.String() == *resource.Id {
			name = known
		}
	}
	text := name
	for _, part := range resource.Parameter[0].Part {
		switch part.Name {
		case "status":
			text += " " + *part.ValueString
		case "started", "ended":
			at, err := time.Parse(time.RFC3339, *part.ValueDateTime)
			if err != nil {
				d.t.Fatal(err)
			}
			text += " " + at.Sub(night).String()
		case "outcome":
			outcome, err := models.UnmarshalOperationOutcome(part.Resource)
			if err != nil {
				d.t.Fatal(err)
			}
			text += " " + *outcome.Issue[0].Diagnostics
		}
	}
	return text
}

// remember has the database note each state of each job.
func (d *day) recordStatuses() {
	d.t.Helper()
	for _, sql := range []string{
		`create table life (n bigint generated always as identity, job_id uuid, status text)`,
		`create function live() returns trigger language plpgsql security definer as
		 $$ begin insert into public.life (job_id, status) values (new.id, new.status); return null; end $$`,
		`create trigger live after insert on report_job for each row execute function live()`,
		`create trigger live_on after update on report_job for each row when (old.status <> new.status) execute function live()`,
	} {
		d.db.Exec(d.t, sql)
	}
}

// histories returns the statuses of each job in order. A scheduled job may start with or without
// being promoted first, so its QUEUED is left out.
func (d *day) histories() map[string]string {
	d.t.Helper()
	all := map[string]string{}
	for id, name := range d.names {
		var life string
		d.scan(`select string_agg(status, ' ' order by n) from life where job_id = $1`, []any{[16]byte(id)}, &life)
		if name != "T" {
			life = strings.Replace(life, "SCHEDULED QUEUED", "SCHEDULED", 1)
		}
		all[name] = life
	}
	return all
}
