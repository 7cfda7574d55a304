// SPDX-License-Identifier: Apache-2.0

package stage

import "fmt"

// body is what the published example sends.
const body = `{"resourceType":"Parameters"}`

// Call is a call of the operation as it goes over the wire. Headers end with a line
// break.
func Call(addr, token, headers string) []byte {
	return fmt.Appendf(nil, "POST /fhir/$get-report-job-status HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/fhir+json\r\nAccept: application/fhir+json\r\nUser-Agent: bench\r\n%sContent-Length: %d\r\n\r\n%s",
		addr, token, headers, len(body), body)
}
