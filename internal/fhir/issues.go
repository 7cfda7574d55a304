// SPDX-License-Identifier: Apache-2.0

package fhir

import "reporting/internal/fhir/fhirjson"

// Issues collects what is wrong with a request, but not more than is worth
// telling: neither memory nor an answer must grow with what somebody does wrong.
type Issues []Issue

// Add appends issues while there is room, up to fhirjson.MostFaults in all.
func (l *Issues) Add(issues ...Issue) {
	*l = append(*l, issues[:min(len(issues), fhirjson.MostFaults-len(*l))]...)
}

// Full tells whether there is no room for more.
func (l *Issues) Full() bool { return len(*l) >= fhirjson.MostFaults }
