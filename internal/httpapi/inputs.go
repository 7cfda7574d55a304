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
)

// general are the query parameters that every endpoint accepts (FHIR R4 http.html,
// section 3.1.0.1.11).
var general = []string{"_format", "_pretty", "_summary", "_elements"}

// Ignored adds an issue for each query parameter that would be ignored.
func Ignored(query url.Values, issues *fhir.Issues, known ...string) {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !slices.Contains(general, name) && !slices.Contains(known, name) {
			issues.Add(Unsupported(name, ""))
		}
	}
}

// Unsupported is the issue of a parameter that is not supported.
func Unsupported(name, expression string) fhir.Issue {
	return fhir.Issue{
		Code: models.IssueTypeNotSupported, Expression: expression,
		Diagnostics: fmt.Sprintf("Parameter %.64q is not supported here.", name),
	}
}

// readInputs reads the operation's inputs from the query and the body and checks them
// against the operation's parameters. It leaves other inputs out. An operation that affects
// state takes inputs from the body only, because the job keeps the body.
func (s *server) readInputs(r *Request, o *fhir.Operation) error {
	var body []fhir.Input
	if r.Method == http.MethodPost {
		limiter := s.limits.body(&r.recorder, s.maxBody)
		defer limiter.release()
		var err error
		if body, r.Parameters, err = readBody(&r.recorder, r.Request, limiter, o.AffectsState); err != nil {
			return err
		}
	}
	address := r.Query
	if o.AffectsState {
		address = nil
	}
	var issues fhir.Issues
	if r.Strict() {
		known := o.Inputs()
		if o.AffectsState {
			Ignored(r.Query, &issues)
		} else {
			Ignored(r.Query, &issues, known...)
		}
		ignoredInputs(body, &issues, known)
	}
	for _, p := range o.Parameters {
		if p.Out {
			continue
		}
		given := inQuery(p, address[p.Name])
		for _, input := range body {
			if input.Name == p.Name {
				given = append(given, input)
			}
		}
		r.Inputs = append(r.Inputs, given...)
		p.Check(given, &issues)
	}
	if len(issues) > 0 {
		return Invalid(issues)
	}
	return nil
}

// ignoredInputs adds an issue for each input of a body that would be ignored.
func ignoredInputs(body []fhir.Input, issues *fhir.Issues, known []string) {
	for _, input := range body {
		if !slices.Contains(known, input.Name) && !issues.Full() {
			issues.Add(Unsupported(input.Name, input.Expression))
		}
	}
}

// inQuery makes inputs of a query parameter.
func inQuery(p fhir.OperationParameter, values []string) []fhir.Input {
	var inputs []fhir.Input
	for _, value := range values {
		if p.Type == "dateTime" {
			value = strings.ReplaceAll(value, " ", "+") // an unescaped plus before the zone
		}
		inputs = append(inputs, fhir.Input{Name: p.Name, Value: fhirjson.Value{Kind: fhirjson.String, Text: value}})
	}
	return inputs
}
