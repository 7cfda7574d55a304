// SPDX-License-Identifier: Apache-2.0

package fhirjson

import (
	"github.com/go-json-experiment/json/jsontext"
)

// Kind is one of the six kinds of JSON values.
type Kind uint8

// The kinds (RFC 8259, section 3). The zero Kind is Null.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// String returns the kind with its article, for a sentence: "a string", "null".
func (k Kind) String() string {
	switch k {
	case Null:
		return "null"
	case Bool:
		return "a boolean"
	case Number:
		return "a number"
	case String:
		return "a string"
	case Array:
		return "an array"
	case Object:
		return "an object"
	}
	return "nothing that JSON knows"
}

// Value is a JSON value. The zero Value is null.
type Value struct {
	Kind    Kind
	Text    string   // String: decoded; Number: exactly as spelled; Bool: "true" or "false"
	Items   []Value  // of an Array
	Members []Member // of an Object, in order of appearance
}

// Member is a name and a value of an object.
type Member struct {
	Name  string
	Value Value
}

// Get returns the first member with a name. Only objects have members.
func (v Value) Get(name string) (Value, bool) {
	for i := range v.Members {
		if v.Members[i].Name == name {
			return v.Members[i].Value, true
		}
	}
	return Value{}, false
}

// AppendJSON appends the value as compact JSON (RFC 8259): members in their
// order, numbers as they were spelled, strings with no more escapes than JSON
// demands. It is valid JSON for every Value that Parse returns; in strings made
// elsewhere, bytes that are not UTF-8 become U+FFFD.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.Kind {
	case Bool, Number:
		return append(dst, v.Text...)
	case String:
		return appendString(dst, v.Text)
	case Array:
		dst = append(dst, '[')
		for i := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = v.Items[i].AppendJSON(dst)
		}
		return append(dst, ']')
	case Object:
		dst = append(dst, '{')
		for i := range v.Members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendString(dst, v.Members[i].Name), ':')
			dst = v.Members[i].Value.AppendJSON(dst)
		}
		return append(dst, '}')
	default:
		return append(dst, "null"...)
	}
}

func appendString(dst []byte, s string) []byte {
	quoted, err := jsontext.AppendQuote(dst, s)
	_ = err // says that U+FFFD was put in, as documented
	return quoted
}
