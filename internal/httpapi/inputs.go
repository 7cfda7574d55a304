// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"reporting/internal/fhir"
	"reporting/internal/fhir/fhirjson"
	"reporting/internal/httpapi/negotiation"
)

// general are the query parameters that every address takes (FHIR R4 http.html,
// section 3.1.0.1.11).
var general = []string{"_format", "_pretty", "_summary", "_elements"}

// checkQuery refuses an address whose query cannot be read.
func checkQuery(e *exchange) error {
	if e.queryErr == nil {
		return nil
	}
	return problem(http.StatusBadRequest, models.IssueTypeInvalid, "The query of the address cannot be read.").because(e.queryErr)
}

// strict tells whether the client asked for an error where something of the
// request would be ignored.
func strict(r *http.Request) bool { return negotiation.Strict(r.Header.Values("Prefer")) }

// ignored adds the parameters of the address that would be ignored.
func ignored(query url.Values, issues *fhir.Issues, known ...string) {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !slices.Contains(general, name) && !slices.Contains(known, name) {
			issues.Add(unknown(name, ""))
		}
	}
}

func unknown(name, expression string) fhir.Issue {
	return fhir.Issue{
		Code: models.IssueTypeNotSupported, Expression: expression,
		Diagnostics: fmt.Sprintf("Parameter %.64q is not supported here.", name),
	}
}

// inputs reads what the client says of the operation's inputs, in the address and
// in the body, and checks it against their description. Others are left out. What
// affects state takes the body alone, which is what is kept of the call.
func (s *server) inputs(w http.ResponseWriter, r *http.Request, o fhir.Operation, call *Call) error {
	e := exchangeOf(r.Context())
	var body []fhir.Input
	if r.Method == http.MethodPost {
		room := s.limits.room(w, s.maxBody)
		defer room.free()
		var err error
		if body, call.Body, err = readBody(w, r, room, o.AffectsState); err != nil {
			return err
		}
	}
	address := e.query
	if o.AffectsState {
		address = nil
	}
	var issues fhir.Issues
	if strict(r) {
		known := o.Inputs()
		if o.AffectsState {
			ignored(e.query, &issues)
		} else {
			ignored(e.query, &issues, known...)
		}
		ignoredInputs(body, &issues, known)
	}
	for _, p := range o.Parameters {
		if p.Out {
			continue
		}
		given := inAddress(p, address[p.Name])
		for _, input := range body {
			if input.Name == p.Name {
				given = append(given, input)
			}
		}
		call.Inputs = append(call.Inputs, given...)
		p.Check(given, &issues)
	}
	if len(issues) > 0 {
		return Invalid(issues)
	}
	return nil
}

// ignoredInputs adds the inputs of a body that would be ignored.
func ignoredInputs(body []fhir.Input, issues *fhir.Issues, known []string) {
	for _, input := range body {
		if !slices.Contains(known, input.Name) && !issues.Full() {
			issues.Add(unknown(input.Name, input.Expression))
		}
	}
}

// inAddress makes inputs of a query parameter.
func inAddress(p fhir.OperationParameter, values []string) []fhir.Input {
	var inputs []fhir.Input
	for _, value := range values {
		if p.Type == "dateTime" {
			value = strings.ReplaceAll(value, " ", "+") // an unescaped plus before the zone
		}
		inputs = append(inputs, fhir.Input{Name: p.Name, Value: fhirjson.Value{Kind: fhirjson.String, Text: value}})
	}
	return inputs
}
