// SPDX-License-Identifier: Apache-2.0

package fhir

// Format is the syntax of a resource.
type Format int

// The formats.
const (
	JSON Format = iota // FHIR R4 json.html
	XML                // FHIR R4 xml.html
)

// Formats lists all formats, the preferred one first.
func Formats() []Format { return []Format{JSON, XML} }

// String returns the short name, as in _format=json.
func (f Format) String() string {
	if f == XML {
		return "xml"
	}
	return "json"
}

// MediaType returns the registered media type (FHIR R4 http.html, section 3.1.0.1.9).
func (f Format) MediaType() string { return "application/fhir+" + f.String() }

// Style is the format and layout of a resource. The zero value is compact JSON.
type Style struct {
	Format Format
	Pretty bool // indented, for people
}
