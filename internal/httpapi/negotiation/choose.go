// SPDX-License-Identifier: Apache-2.0

package negotiation

import (
	"errors"
	"net/url"
	"strings"

	"reporting/internal/fhir"
)

// Errors of Choose: the client accepts none of our formats.
var (
	ErrAccept = errors.New("accept allows no format of ours")
	ErrFormat = errors.New("_format names no format of ours")
)

// Choice is the format and the Content-Type of a response. The zero value is compact
// JSON as application/fhir+json.
type Choice struct {
	fhir.Style

	content string
}

// ContentType is the header's value, with its charset.
func (c Choice) ContentType() string {
	if c.content == "" {
		return mediaTypes[0].content
	}
	return c.content
}

// Choose selects the format of a response from the Accept headers and the query. _format has
// precedence over Accept. The error is ErrAccept or ErrFormat; then the Choice is the format of
// the error response.
func Choose(accept []string, query url.Values) (Choice, error) {
	if len(query) == 0 && len(accept) == 1 && accept[0] == mediaTypes[0].name {
		return Choice{Style: fhir.Style{Format: mediaTypes[0].format}, content: mediaTypes[0].content}, nil // the usual request
	}
	pretty := strings.EqualFold(query.Get("_pretty"), "true")
	choice := func(m mediaType) Choice {
		return Choice{Style: fhir.Style{Format: m.format, Pretty: pretty}, content: m.content}
	}
	if format := query.Get("_format"); format != "" {
		m, ok := formatNamed(format)
		if !ok {
			return choice(mediaTypes[0]), ErrFormat
		}
		return choice(m), nil
	}
	ranges := readAccept(accept)
	if len(ranges) == 0 {
		return choice(mediaTypes[0]), nil
	}
	best, most := mediaTypes[0], 0.0
	for _, m := range mediaTypes {
		if weight := weigh(ranges, m.name); weight > most {
			best, most = m, weight
		}
	}
	if most == 0 {
		return choice(mediaTypes[0]), ErrAccept
	}
	return choice(best), nil
}

// Resource reports whether the client wants a Binary as a resource and not as its bytes (FHIR R4
// binary.html, section 2.36.3): it names one of our formats, and its weight for the type of the
// bytes is not higher. Otherwise it gets the bytes.
func Resource(accept []string, query url.Values, contentType string) bool {
	if query.Get("_format") != "" {
		return true
	}
	ranges := readAccept(accept)
	named := 0.0
	for _, r := range ranges {
		for _, m := range mediaTypes {
			if r.kind+"/"+r.subtype == m.name && !r.foreign {
				named = max(named, r.quality)
			}
		}
	}
	return named > 0 && named >= weigh(ranges, contentType)
}

// formatNamed returns the media type of _format: a short name or a full type. A query may
// contain a space for an unescaped plus.
func formatNamed(format string) (mediaType, bool) {
	name, parameters, more := strings.Cut(format, ";")
	name = strings.ReplaceAll(strings.TrimSpace(name), " ", "+")
	for _, f := range fhir.Formats() {
		if strings.EqualFold(name, f.String()) {
			name = f.MediaType()
		}
	}
	if more {
		name += ";" + parameters
	}
	return named(name)
}
