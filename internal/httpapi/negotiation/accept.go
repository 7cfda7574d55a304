// SPDX-License-Identifier: Apache-2.0

package negotiation

import (
	"mime"
	"slices"
	"strconv"
	"strings"
)

// mediaRange is one element of Accept (RFC 9110, section 12.5.1).
type mediaRange struct {
	kind, subtype string // either may be a star
	specificity   int    // 0: */*, 1: type/*, 2: type/subtype, 3: with a fhirVersion
	quality       float64
	foreign       bool // asks for another version of FHIR
}

// readAccept parses the lines of Accept. It skips invalid media ranges.
func readAccept(lines []string) []mediaRange {
	var ranges []mediaRange
	for _, line := range lines {
		for element := range splitList(line) {
			if r, ok := readRange(element); ok {
				ranges = append(ranges, r)
			}
		}
	}
	return withoutBrowserXML(ranges)
}

// withoutBrowserXML removes XML from the Accept header of a browser. Browsers list XML because
// they can display it, and not because the user wants FHIR XML.
func withoutBrowserXML(ranges []mediaRange) []mediaRange {
	if !slices.ContainsFunc(ranges, mediaRange.isHTML) || !slices.ContainsFunc(ranges, mediaRange.isAnything) {
		return ranges
	}
	return slices.DeleteFunc(ranges, func(r mediaRange) bool { return r.subtype == "xml" })
}

func (r mediaRange) isHTML() bool     { return r.kind == "text" && r.subtype == "html" }
func (r mediaRange) isAnything() bool { return r.kind == "*" && r.quality > 0 }

// splitList splits a header at commas outside of quotes (RFC 9110, section 5.6.1). Neither
// net/http nor mime has such a function.
func splitList(line string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		start, quoted := 0, false
		for i := 0; i < len(line); i++ {
			switch c := line[i]; {
			case c == '\\' && quoted:
				i++
			case c == '"':
				quoted = !quoted
			case c == ',' && !quoted:
				if !yield(line[start:i]) {
					return
				}
				start = i + 1
			}
		}
		yield(line[start:])
	}
}

func readRange(element string) (mediaRange, bool) {
	name, parameters, err := mime.ParseMediaType(element)
	if err != nil {
		return mediaRange{}, false // the weight may be the invalid part
	}
	kind, subtype, ok := strings.Cut(name, "/")
	if !ok || kind == "" || subtype == "" || (kind == "*" && subtype != "*") {
		return mediaRange{}, false
	}
	r := mediaRange{kind: kind, subtype: subtype, quality: quality(parameters["q"]), foreign: !ourVersion(parameters)}
	switch {
	case kind == "*":
	case subtype == "*":
		r.specificity = 1
	default:
		r.specificity = 2
		if _, versioned := parameters["fhirversion"]; versioned {
			r.specificity = 3
		}
	}
	return r, true
}

// quality parses a weight. An invalid weight counts as absent.
func quality(text string) float64 {
	if text == "" {
		return 1
	}
	q, err := strconv.ParseFloat(text, 64)
	if err != nil || !(q >= 0 && q <= 1) { // not a number either
		return 1
	}
	return q
}

// weigh returns the weight of a media type, 0 to 1: that of the most specific range that covers
// it (RFC 9110, section 12.5.1).
func weigh(ranges []mediaRange, name string) float64 {
	kind, subtype, _ := strings.Cut(name, "/")
	best, weight := -1, 0.0
	for _, r := range ranges {
		covers := (r.kind == "*" || r.kind == kind) && (r.subtype == "*" || r.subtype == subtype)
		if !covers || r.foreign || r.specificity < best {
			continue
		}
		if r.specificity > best || r.quality > weight {
			best, weight = r.specificity, r.quality
		}
	}
	return weight
}
