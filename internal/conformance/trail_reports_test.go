// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reporting/internal/config"
)

// Orders, reads and deletes have an audit record each; rejected requests have none.
func TestAuditOfOrdersAndResults(t *testing.T) {
	t.Parallel()
	server, user := own(t, func(c *config.Config) { withReports(t, c) }), newUser()
	named := func(id string, r request) response { return server.do(t, r.with("X-Request-Id", id)) }
	path := named("execute", order("execute", usageStats, user, anonymous)).binary(t).path()
	async := server.async(t, order("schedule", usageStats, user, anonymous).with("X-Request-Id", "async"))
	named("ask", get(user, async))
	named("cancel", get(user, async).by("DELETE"))
	named("fetch", order("fetch", usageStats, user, anonymous))
	named("read", get(user, path))
	named("vread", get(user, path+"/_history/1").withoutAccept())
	named("delete", get(user, path).by("DELETE"))
	for id, r := range map[string]request{
		"no-role": order("execute", usageStats, user, anonymous).as(), "wrong": order("execute", usageStats, user, ""),
		"not-theirs": get(newUser(), path), "deleted": get(user, path), "no-token": get("", path),
	} {
		if a := named(id, r); a.status < http.StatusBadRequest {
			t.Errorf("%s: got status %d", id, a.status)
		}
	}
	want := map[string]string{
		"execute": "order execute-patient-usage-stats", "async": "order schedule-patient-usage-stats", "fetch": "order fetch-patient-usage-stats",
		"ask": "read report-job", "cancel": "delete report-job",
		"read": "read Binary-read", "vread": "read Binary-vread", "delete": "delete Binary-delete",
	}
	got := map[string]string{}
	for _, record := range server.audited(t) {
		got[record.RequestID] = record.Event + " " + record.Operation
		if record.UserID != user || *record.Count != 1 || !record.Complete {
			t.Errorf("got %+v", record)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got)\n%s", diff)
	}
	for _, word := range []string{"anonymization", "eyJ", "data"} {
		if strings.Contains(server.audit.String(), word) {
			t.Errorf("the audit log holds %s", word)
		}
	}
	// The log holds the operation and a pseudonym, not the user id.
	if line := server.logged(t, "read")[0]; line["operation"] != "Binary-read" || line["user"] == user || line["user"] == nil {
		t.Errorf("%v", line)
	}
}
