// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Marshal writes a samply resource as compact JSON with resourceType first.
// samply writes it last, which is allowed but makes readers that stream wait.
func Marshal(resource json.Marshaler) ([]byte, error) {
	text, err := resource.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("marshal resource: %w", err)
	}
	// The last `,"resourceType":` is samply's own: what follows it holds no
	// string but the type's name.
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
