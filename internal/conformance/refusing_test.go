// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/report"
)

// hasCode is isOutcome for a fault with a published message code.
func (a response) hasCode(t testing.TB, status int, code models.IssueType, message string) models.OperationOutcomeIssue {
	t.Helper()
	issue := a.isOutcome(t, status, code)
	if issue.Details == nil || len(issue.Details.Coding) != 1 || *issue.Details.Coding[0].Code != message {
		t.Errorf("no code %s: %s", message, a.body)
	}
	return issue
}

const insufficient = "SECURITY_TOKEN_INSUFFICIENT_PERMISSION"

func TestW125_OrdersNeedTheRoleOfTheReport(t *testing.T) {
	t.Parallel()
	server := reports(t)
	for _, mode := range []string{"fetch", "execute", "schedule"} {
		for _, roles := range [][]string{
			nil,
			{"Binary.read"},
			{"$" + mode + "-patient-usage-stat"},
			{"$FETCH-patient-usage-stats"},
			{"*"},
			{""},
			{"$fetch-patient-usage-stats "},
			{"$execute-patient-usage-stats"},
			{"$schedule-*"},
			{"fetch-*"},
			{"$fetch-*-stats"},
		} {
			issue := server.do(t, order(mode, usageStats, newUser(), anonymous).as(roles...)).hasCode(t, http.StatusForbidden, models.IssueTypeForbidden, insufficient)
			want := fmt.Sprintf("Insufficient permission for $%s-%s for PRACTITIONER.", mode, usageStats)
			if !strings.HasPrefix(*issue.Diagnostics, want) || !strings.Contains(*issue.Diagnostics, "$fetch-patient-usage-stats") {
				t.Errorf("got diagnostics %q", *issue.Diagnostics)
			}
		}
		for _, role := range []string{"$fetch-patient-usage-stats", "$fetch-*", "$*", "$fetch-patient-usage-stats*"} {
			user := newUser()
			b := server.do(t, order(mode, usageStats, user, anonymous).as(role)).binary(t)
			if mode == "schedule" {
				server.do(t, request{method: "DELETE", path: b.path(), user: user, roles: allRoles})
			}
		}
	}
	// The role is checked after the token and before the body.
	server.do(t, order("execute", usageStats, newUser(), "nonsense").as()).hasCode(t, http.StatusForbidden, models.IssueTypeForbidden, insufficient)
	server.do(t, order("execute", usageStats, "", anonymous)).isOutcome(t, http.StatusUnauthorized, models.IssueTypeLogin)
}

// anonymizationOf makes a body with a value of anonymization.
func anonymizationOf(value string) string { return strings.Replace(anonymous, "ANONYMIZED", value, 1) }

func TestW126_AnonymizationIsValidated(t *testing.T) {
	t.Parallel()
	server := reports(t)
	const role = "$fetch-patient-usage-stats"
	for _, mode := range []string{"fetch", "execute"} {
		for _, value := range []string{"None", "NONE", "none"} {
			r := order(mode, usageStats, newUser(), anonymizationOf(value))
			server.do(t, r).binary(t)
			server.do(t, r.as(role)).hasCode(t, http.StatusForbidden, models.IssueTypeForbidden, insufficient)
			server.do(t, r.as(role, "report-*")).binary(t)
		}
		for _, value := range []string{"ANONYMIZED", "Anonymized", "anonymized"} {
			server.do(t, order(mode, usageStats, newUser(), anonymizationOf(value)).as(role)).binary(t)
		}
		for _, value := range []string{"ANONYMISED", "no", "None "} {
			issue := server.do(t, order(mode, usageStats, newUser(), anonymizationOf(value))).isOutcome(t, http.StatusBadRequest, models.IssueTypeCodeInvalid)
			if len(issue.Expression) != 1 || issue.Expression[0] != "Parameters.parameter[0].value" {
				t.Errorf("%q: expression %v", value, issue.Expression)
			}
		}
	}
	coded := strings.Replace(anonymous, "valueString", "valueCode", 1)
	server.do(t, order("execute", usageStats, newUser(), coded)).binary(t)
}

func TestW127_MissingMandatoryInputIs422(t *testing.T) {
	t.Parallel()
	server := reports(t)
	for _, mode := range []string{"fetch", "execute", "schedule"} {
		for _, body := range []string{"", `{"resourceType":"Parameters"}`, strings.Replace(anonymous, "anonymization", "Anonymization", 1)} {
			issue := server.do(t, order(mode, usageStats, newUser(), body)).
				hasCode(t, http.StatusUnprocessableEntity, models.IssueTypeRequired, "REPORTING_MISSING_INPUT_PARAMETER")
			if want := `Parameter "anonymization" is mandatory for report "PatientsUsageReport".`; *issue.Diagnostics != want {
				t.Errorf("got diagnostics %q, want %q", *issue.Diagnostics, want)
			}
		}
	}
	// Inputs in the URL do not count for operations that affect state.
	address := order("execute", usageStats, newUser(), "")
	address.path += "?anonymization=ANONYMIZED"
	server.do(t, address).hasCode(t, http.StatusUnprocessableEntity, models.IssueTypeRequired, "REPORTING_MISSING_INPUT_PARAMETER")
}

func TestW130_MalformedOrdersCreateNoJob(t *testing.T) {
	t.Parallel()
	server, user := reports(t), newUser()
	for body, code := range map[string]models.IssueType{
		`{"resourceType":"Parameters"`:                                                            models.IssueTypeStructure,
		`{"resourceType":"Bundle","type":"collection"}`:                                           models.IssueTypeInvalid,
		strings.Replace(anonymous, `"ANONYMIZED"`, `""`, 1):                                       models.IssueTypeStructure,
		strings.Replace(anonymous, "}]}", `},{"name":"colour","valueString":"\u0000"}]}`, 1):      models.IssueTypeValue,
		strings.Replace(anonymous, `"valueString":"ANONYMIZED"`, `"valueInteger":1`, 1):           models.IssueTypeInvalid,
		strings.Replace(anonymous, `,"valueString":"ANONYMIZED"`, ``, 1):                          models.IssueTypeRequired,
		strings.Replace(anonymous, "}]}", `},{"name":"anonymization","valueString":"None"}]}`, 1): models.IssueTypeInvalid,
	} {
		server.do(t, order("execute", usageStats, user, body)).hasIssues(t, http.StatusBadRequest)
		server.do(t, order("fetch", usageStats, user, body)).isOutcome(t, http.StatusBadRequest, code)
	}
	server.do(t, order("execute", usageStats, user, anonymous).with("Content-Type", "text/plain")).
		isOutcome(t, http.StatusUnsupportedMediaType, models.IssueTypeNotSupported)
	server.do(t, order("execute", usageStats, user, anonymous).with("Accept", "image/png")).
		isOutcome(t, http.StatusNotAcceptable, models.IssueTypeNotSupported)
	server.do(t, order("execute", usageStats, user, `{"resourceType":"Parameters","id":"`+strings.Repeat("x", 1<<20)+`"}`)).
		isOutcome(t, http.StatusRequestEntityTooLarge, models.IssueTypeTooLong)
	long := newUser() + strings.Repeat("é", report.MaxUserIDLength)
	server.do(t, order("execute", usageStats, long, anonymous)).isOutcome(t, http.StatusForbidden, models.IssueTypeForbidden)
	server.do(t, order("fetch", usageStats, long, anonymous)).binary(t)
	fits := []rune(long)[:report.MaxUserIDLength]
	server.do(t, order("execute", usageStats, string(fits), anonymous)).binary(t)
	if jobs := server.do(t, status(user)).entries(t); len(jobs) != 0 {
		t.Errorf("got %d jobs after rejected orders, want none", len(jobs))
	}
}

func TestW131_UnknownInputsAreKept(t *testing.T) {
	t.Parallel()
	server, user := reports(t), newUser()
	parameters := strings.Replace(anonymous, "}]}", `},{"name":"colour","valueString":"red"}]}`, 1)
	r := order("execute", usageStats, user, parameters)
	r.path += "?colour=blue"
	server.placeOrder(t, r)
	if got := string(server.job(t, user).part("parameters").Resource); got != parameters {
		t.Errorf("parameters %s", got)
	}
	issues := server.do(t, r.with("Prefer", "handling=strict")).hasIssues(t, http.StatusBadRequest)
	if len(issues) != 2 || issues[0].Code != models.IssueTypeNotSupported || issues[1].Expression[0] != "Parameters.parameter[1]" {
		t.Errorf("got %+v", issues)
	}
}

func TestW132_OtherMethodsAndReportsAreRejected(t *testing.T) {
	t.Parallel()
	server := reports(t)
	for _, mode := range []string{"fetch", "execute", "schedule"} {
		for _, method := range []string{"GET", "PUT", "DELETE", "PATCH"} {
			a := server.do(t, order(mode, usageStats, newUser(), "").by(method))
			a.isOutcome(t, http.StatusMethodNotAllowed, models.IssueTypeNotSupported)
			if a.header.Get("Allow") != "POST, OPTIONS" {
				t.Errorf("%s: got Allow %q", method, a.header.Get("Allow"))
			}
		}
		head := server.do(t, order(mode, usageStats, newUser(), "").by("HEAD"))
		if head.status != http.StatusMethodNotAllowed || head.header.Get("Allow") != "POST, OPTIONS" {
			t.Errorf("HEAD: got status %d, %v", head.status, head.header)
		}
		if a := server.do(t, order(mode, usageStats, newUser(), anonymous)); a.status != http.StatusOK {
			t.Errorf("POST: got status %d", a.status)
		}
		for _, path := range []string{"/$" + mode + "-x", "/$" + mode + "-", "/$" + strings.ToUpper(mode) + "-" + usageStats, "/Patient/$" + mode + "-" + usageStats} {
			r := order(mode, usageStats, newUser(), anonymous)
			r.path = path
			server.do(t, r).isOutcome(t, http.StatusNotFound, models.IssueTypeNotSupported)
		}
	}
}

func TestW133_HundredUnfinishedJobsAreTheLimit(t *testing.T) {
	t.Parallel()
	slow(t, "places a hundred orders")
	server, user := reports(t), newUser()
	var waiting []string
	for range report.MaxUnfinishedJobs {
		a := server.do(t, order("schedule", usageStats, user, anonymous))
		if a.status == http.StatusTooManyRequests && isRemote() {
			t.Skip("needs REPORTING_USER_RATE=0")
		}
		waiting = append(waiting, a.binary(t).path())
	}
	for _, mode := range []string{"schedule", "execute"} {
		a := server.do(t, order(mode, usageStats, user, anonymous))
		a.isOutcome(t, http.StatusTooManyRequests, models.IssueTypeThrottled)
		if a.header.Get("Retry-After") == "" {
			t.Error("got no Retry-After")
		}
	}
	server.do(t, order("execute", usageStats, newUser(), anonymous)).binary(t)
	server.do(t, order("fetch", usageStats, user, anonymous)).binary(t)
	for _, path := range waiting {
		server.do(t, get(user, path).by("DELETE"))
	}
	server.do(t, order("execute", usageStats, user, anonymous)).binary(t)
}
