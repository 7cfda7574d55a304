// SPDX-License-Identifier: Apache-2.0

package fhirjson_test

import (
	"testing"

	"reporting/internal/fhir/fhirjson"
)

func TestChoices(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"Parameters.parameter.valueString":                            "value",
		"Parameters.parameter.valueMeta":                              "value",
		"Extension.valueBase64Binary":                                 "value",
		"Patient.deceasedBoolean":                                     "deceased",
		"Patient.deceasedDateTime":                                    "deceased",
		"Patient.multipleBirthInteger":                                "multipleBirth",
		"Observation.valueCodeableConcept":                            "value",
		"Observation.effectiveInstant":                                "effective",
		"Observation.component.valuePeriod":                           "value",
		"MedicationRequest.medicationReference":                       "medication", // not optional, so no pointer in Go
		"MedicationRequest.dosageInstruction.asNeededCodeableConcept": "asNeeded",
		"StructureDefinition.snapshot.element.defaultValueDateTime":   "defaultValue", // not "default" or "defaultValueDate"
		"StructureDefinition.snapshot.element.minValueInstant":        "minValue",
		"StructureDefinition.snapshot.element.example.valueUri":       "value",
		"MessageHeader.eventUri":                                      "event",
		"Contract.legallyBindingReference":                            "legallyBinding",
		"Immunization.protocolApplied.doseNumberString":               "doseNumber",

		// These look like alternatives, but are elements of their own.
		"Task.instantiatesCanonical":                      "",
		"Task.instantiatesUri":                            "",
		"Contract.instantiatesUri":                        "", // instantiatesCanonical is a Reference
		"CarePlan.instantiatesUri":                        "", // a list
		"ClinicalImpression.finding.itemReference":        "",
		"Condition.evidence.detail":                       "",
		"Encounter.reasonReference":                       "",
		"FamilyMemberHistory.estimatedAge":                "",
		"TestScript.test.action.operation.sourceId":       "",
		"TestScript.test.action.assert.compareToSourceId": "", // beside compareToSourceExpression
		"Meta.versionId":                                  "",
		"Patient.birthDate":                               "",
		"Observation.referenceRange":                      "",
		"Timing.repeat.periodUnit":                        "",
		"Signature.targetFormat":                          "",
		"PaymentNotice.paymentDate":                       "",
	} {
		if got := at(t, embed(path)).Choice; got != want {
			t.Errorf("%s is an alternative of %q, want %q", path, got, want)
		}
	}
}

// embed gives the path of a datatype by way of a resource that uses it.
func embed(path string) string {
	for name, place := range map[string]string{
		"Extension": "Patient.extension", "Meta": "Patient.meta",
		"Timing": "ServiceRequest.occurrenceTiming", "Signature": "Bundle.signature",
	} {
		if len(path) > len(name) && path[:len(name)+1] == name+"." {
			return place + path[len(name):]
		}
	}
	return path
}

// The groups were compared one by one with the published definitions of 4.0.1.
// A group more or less shows that the rule has changed what it finds.
func TestNumberOfChoices(t *testing.T) {
	t.Parallel()
	type group struct{ of, choice string }
	groups := make(map[group]int)
	every(t, func(of *fhirjson.Type) {
		for i := range of.Elements {
			if e := &of.Elements[i]; e.Choice != "" {
				groups[group{of.Name, e.Choice}]++
			}
		}
	})
	if len(groups) != 186 {
		t.Errorf("%d choices, R4 has 186", len(groups))
	}
	for g, alternatives := range groups {
		if alternatives < 2 {
			t.Errorf("%v has but one alternative", g)
		}
	}
	if n := groups[group{"Extension", "value"}]; n != 50 {
		t.Errorf("Extension.value[x] has %d alternatives, R4 has 50", n)
	}
}
