// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"testing"

	"reporting/internal/auth"
)

func TestWildcardRoles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		held, role string
		want       bool
	}{
		{"Binary.read", "Binary.read", true},
		{"Binary.*", "Binary.read", true},
		{"Binary.*", "Binary.", true},
		{"Binary*", "Binary.read", true},
		{"B*", "Binary.read", true},
		{"Binary.read*", "Binary.read", true},
		{"$fetch-*", "$fetch-patient-usage-stats", true},
		{"$*", "$fetch-patient-usage-stats", true},
		{"*", "Binary.read", false}, // a star alone covers nothing …
		{"*", "*", true},            // … but itself
		{"**", "Binary.read", false},
		{"**", "*x", true}, // the part before the star may be a star
		{"", "Binary.read", false},
		{"", "", true},
		{"binary.*", "Binary.read", false},
		{"Binary.*", "binary.read", false},
		{"Binary.*", "Binary", false},
		{"Binary.*", "Patient.read", false},
		{"Binary.read", "Binary.*", false}, // the required role is no pattern
		{"Bin*.read", "Binary.read", false},
		{"Bin*.*", "Binary.read", false},
		{"*.read", "Binary.read", false},
		{"Binary.read ", "Binary.read", false},
		{"report-*", "report-non-anonymized", true},
		{"$fetch-*", "report-non-anonymized", false},
	} {
		if got := (auth.Principal{Roles: []string{"other", tt.held}}).HasRole(tt.role); got != tt.want {
			t.Errorf("%q covers %q: %v, want %v", tt.held, tt.role, got, tt.want)
		}
	}
	if (auth.Principal{}).HasRole("Binary.read") || (auth.Principal{}).HasRole("") {
		t.Error("no role covers something")
	}
}
