// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"bytes"
	"encoding/json"
	"fmt"

	"reporting/internal/fhir/fhirjson"
	"reporting/internal/fhir/fhirxml"
)

// Marshal writes a samply resource with resourceType first. It is for small resources.
func Marshal(resource json.Marshaler, style Style) ([]byte, error) {
	text, err := marshalJSON(resource)
	if err != nil {
		return nil, fmt.Errorf("marshal resource: %w", err)
	}
	switch {
	case style.Format == XML:
		value, err := fhirjson.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("marshal resource: %w", err)
		}
		if text, err = (fhirxml.Encoder{Pretty: style.Pretty}).AppendResource(nil, value); err != nil {
			return nil, fmt.Errorf("marshal resource: %w", err)
		}
		return text, nil
	case style.Pretty:
		var indented bytes.Buffer
		if err := json.Indent(&indented, text, "", indent); err != nil {
			return nil, fmt.Errorf("marshal resource: %w", err)
		}
		return indented.Bytes(), nil
	}
	return text, nil
}

// indent is one level of pretty JSON.
const indent = "  "

// marshalJSON moves resourceType to the front. samply writes it last, which makes streaming
// readers wait.
func marshalJSON(resource json.Marshaler) ([]byte, error) {
	text, err := resource.MarshalJSON()
	if err != nil {
		return nil, err
	}
	// The last `,"resourceType":` is samply's own, because only the name of the type follows it.
	last := bytes.LastIndex(text, []byte(`,"resourceType":"`))
	if last < 0 {
		return text, nil
	}
	typed := make([]byte, 0, len(text))
	typed = append(typed, '{')
	typed = append(typed, text[last+1:len(text)-1]...)
	typed = append(typed, ',')
	typed = append(typed, text[1:last]...)
	return append(typed, '}'), nil
}
