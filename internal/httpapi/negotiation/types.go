// SPDX-License-Identifier: Apache-2.0

package negotiation

import (
	"errors"
	"mime"
	"strings"

	"reporting/internal/fhir"
)

// ErrMediaType is the error of an unsupported Content-Type.
var ErrMediaType = errors.New("media type not supported")

// mediaType is a name of a format.
type mediaType struct {
	name    string
	format  fhir.Format
	label   string // of responses, which never use legacy names
	content string // label with charset, for Content-Type
}

// The names in order of preference, which decides ties: JSON before XML, registered names before
// generic ones. The last name of each format is from before R3; HAPI clients still send it.
var mediaTypes = append(names(fhir.JSON), names(fhir.XML)...)

func names(f fhir.Format) []mediaType {
	registered := f.MediaType()
	list := []mediaType{
		{name: registered, label: registered},
		{name: "application/" + f.String(), label: "application/" + f.String()},
		{name: "text/" + f.String(), label: "text/" + f.String()},
		{name: "application/" + f.String() + "+fhir", label: registered},
	}
	for i := range list {
		list[i].format = f
		list[i].content = list[i].label + "; charset=UTF-8"
	}
	return list
}

// Types lists the supported media types.
func Types() []string {
	var list []string
	for _, m := range mediaTypes {
		list = append(list, m.name)
	}
	return list
}

// Body returns the format of a body from its Content-Type. The error is ErrMediaType for another
// type, a charset other than UTF-8, or another FHIR version.
func Body(contentType string) (fhir.Format, error) {
	m, ok := named(contentType)
	if !ok {
		return 0, ErrMediaType
	}
	return m.format, nil
}

// named returns the media type of a label.
func named(label string) (mediaType, bool) {
	if label == mediaTypes[0].name {
		return mediaTypes[0], true // the usual label
	}
	name, parameters, err := mime.ParseMediaType(label)
	if err != nil || !ourVersion(parameters) {
		return mediaType{}, false
	}
	if charset, ok := parameters["charset"]; ok && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8") {
		return mediaType{}, false
	}
	for _, m := range mediaTypes {
		if m.name == name {
			return m, true
		}
	}
	return mediaType{}, false
}

// ourVersion reports whether the parameters of a media type ask for this version of FHIR, or for
// none (FHIR R4 versioning.html, section 2.1.0.4).
func ourVersion(parameters map[string]string) bool {
	switch version, ok := parameters["fhirversion"]; version {
	case "4.0", "4.0.1":
		return true
	default:
		return !ok
	}
}
