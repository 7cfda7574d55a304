// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// Searchset returns the response to a search for OperationDefinitions, with a link to the search
// itself (FHIR http.html, section 3.1.0.9).
func Searchset(base, self string, found []Operation) (models.Bundle, error) {
	bundle := models.Bundle{
		Type:  models.BundleTypeSearchset,
		Total: new(len(found)),
		Link:  []models.BundleLink{{Relation: "self", Url: self}},
	}
	for _, o := range found {
		resource, err := marshalJSON(o.Definition())
		if err != nil {
			return models.Bundle{}, err
		}
		bundle.Entry = append(bundle.Entry, models.BundleEntry{
			FullUrl:  new(base + "/OperationDefinition/" + o.ID()),
			Resource: resource,
			Search:   &models.BundleEntrySearch{Mode: new(models.SearchEntryModeMatch)},
		})
	}
	return bundle, nil
}
