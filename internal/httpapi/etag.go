// SPDX-License-Identifier: Apache-2.0

package httpapi

import "strings"

// MatchesETag is the weak comparison of If-None-Match (RFC 9110, section 13.1.2).
func MatchesETag(headers []string, etag string) bool {
	for candidate := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}
