// SPDX-License-Identifier: Apache-2.0

package fhir

import "reporting/internal/fhir/fhirjson"

// Issues collects the faults of a request, up to a limit: neither memory nor the response may
// grow with the number of faults.
type Issues []Issue

// Add appends issues, up to fhirjson.MostFaults in all.
func (l *Issues) Add(issues ...Issue) {
	*l = append(*l, issues[:min(len(issues), fhirjson.MostFaults-len(*l))]...)
}

// Full reports whether the limit is reached.
func (l *Issues) Full() bool { return len(*l) >= fhirjson.MostFaults }
