// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

func TestW155_MetadataDescribesReports(t *testing.T) {
	t.Parallel()
	server := reports(t)
	statement, err := models.UnmarshalCapabilityStatement(server.do(t, request{method: "GET", path: "/metadata"}).body)
	if err != nil {
		t.Fatal(err)
	}
	resource := statement.Rest[0].Resource[0]
	var interactions []string
	for _, i := range resource.Interaction {
		interactions = append(interactions, i.Code.Code())
	}
	if resource.Type != models.ResourceTypeBinary || *resource.Profile != "http://hl7.org/fhir/StructureDefinition/Binary" ||
		!slices.Equal(interactions, []string{"vread", "read", "delete"}) || *resource.Versioning != models.ResourceVersionPolicyVersioned {
		t.Errorf("%+v, interactions %v", resource, interactions)
	}
	titles := map[string]string{
		"fetch": "Fetch unique active citizens total", "execute": "Execute unique active citizens total", "schedule": "Schedule patient usage statistics",
	}
	for mode, title := range titles {
		name := mode + "-" + usageStats
		if !slices.Contains(server.operations(t), name) {
			t.Errorf("no operation %s", name)
		}
		for _, id := range []string{"-s-" + name} {
			a := server.do(t, request{method: "GET", path: "/OperationDefinition/" + id})
			d, err := models.UnmarshalOperationDefinition(a.body)
			if a.status != http.StatusOK || err != nil {
				t.Fatalf("got status %d, %v: %s", a.status, err, a.body)
			}
			if *d.Id != id || *d.Url != "http://ehealth.sundhed.dk/fhir/OperationDefinition/"+id || d.Code != name || *d.Title != title ||
				!d.System || d.Type || d.Instance || !*d.AffectsState || d.Kind != models.OperationKindOperation ||
				!strings.Contains(*d.Description, "$fetch-patient-usage-stats") {
				t.Errorf("got %s", a.body)
			}
			var parameters []string
			for _, p := range d.Parameter {
				parameters = append(parameters, p.Use.Code()+" "+p.Name+" "+string(rune('0'+p.Min))+".."+p.Max+" "+*p.Type)
			}
			if diff := cmp.Diff([]string{"in anonymization 1..1 string", "out return 0..1 Binary"}, parameters); diff != "" {
				t.Errorf("parameters (-want +got)\n%s", diff)
			}
		}
	}
}

func TestW156_WithoutReportsTheirAddressesAre404(t *testing.T) {
	t.Parallel()
	server, user := own(t, nil), newUser()
	if names := server.operations(t); !slices.Equal(names, []string{"get-report-job-status"}) {
		t.Errorf("got operations %v", names)
	}
	statement := server.do(t, request{method: "GET", path: "/metadata"})
	if strings.Contains(string(statement.body), "Binary") {
		t.Errorf("got %s", statement.body)
	}
	for _, r := range []request{
		order("execute", usageStats, user, anonymous), order("schedule", usageStats, user, anonymous), order("fetch", usageStats, user, anonymous),
		get(user, "/Binary/1"), get(user, "/Binary/1/_history/1"), get(user, "/Binary/1").by("DELETE"),
		get(user, "/report-jobs/ce35bcd5-4bb2-4c6e-b230-5347df1fe9bc"),
	} {
		server.do(t, r).isOutcome(t, http.StatusNotFound, models.IssueTypeNotSupported)
	}
	get := server.do(t, request{method: "GET", path: "/OperationDefinition/-s-execute-" + usageStats})
	get.isOutcome(t, http.StatusNotFound, models.IssueTypeNotFound)
}
