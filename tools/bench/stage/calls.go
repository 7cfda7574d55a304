// SPDX-License-Identifier: Apache-2.0

package stage

import "fmt"

// body is what the published example sends.
const body = `{"resourceType":"Parameters"}`

// Media types that a caller may ask for.
const (
	JSON = "application/fhir+json"
	XML  = "application/fhir+xml"
)

// Call is a call of the operation as it goes over the wire, for an answer of a media
// type. Further headers end with a line break.
func Call(addr, token, accept, headers string) []byte {
	return fmt.Appendf(nil, "POST /fhir/$get-report-job-status HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/fhir+json\r\nAccept: %s\r\nUser-Agent: bench\r\n%sContent-Length: %d\r\n\r\n%s",
		addr, token, accept, headers, len(body), body)
}
