// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the nesting of JSON that strangers send. Real tokens nest three or four deep.
const maxDepth = 32

var (
	errNotUTF8   = errors.New("not valid UTF-8")
	errNotJSON   = errors.New("not one JSON value")
	errNotObject = errors.New("not a JSON object")
	errDepth     = errors.New("nested too deeply")
	errTwice     = errors.New("a name occurs twice")
	errSurrogate = errors.New("half of a surrogate pair")
)

// readObject reads exactly one JSON object and returns its members by their exact names.
//
// It is stricter than encoding/json, which matches names without regard to case, takes the last
// of two members with the same name, and replaces bytes it cannot read by U+FFFD. Each of these
// lets two readers of one token see two different users (RFC 7515 section 4, RFC 7519 section 4,
// RFC 8725 section 3.7).
func readObject(raw []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(raw) {
		return nil, errNotUTF8
	}
	if !json.Valid(raw) {
		return nil, errNotJSON
	}
	if bytes.TrimLeft(raw, " \t\r\n")[0] != '{' {
		return nil, errNotObject
	}
	if err := checkNames(raw); err != nil {
		return nil, err
	}
	if err := checkSurrogates(raw); err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, errNotJSON
	}
	return fields, nil
}

// scope is an object or array that is still open while its tokens go by.
type scope struct {
	names map[string]struct{} // nil for an array
	value bool                // in an object: the next token begins a value, not a name
}

// checkNames refuses objects, at any depth, that name a member twice. In the outermost object
// names that differ only in case count as the same, because other readers of the token may think so.
func checkNames(raw []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var open []*scope
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errNotJSON
		}
		delim, _ := token.(json.Delim)
		if delim == '}' || delim == ']' {
			open = open[:len(open)-1]
			continue
		}
		if len(open) > 0 {
			if in := open[len(open)-1]; in.names != nil {
				if !in.value && !in.add(token, len(open) == 1) {
					return errTwice
				}
				in.value = !in.value
			}
		}
		if delim != 0 {
			next := &scope{}
			if delim == '{' {
				next.names = map[string]struct{}{}
			}
			open = append(open, next)
		}
		if len(open) > maxDepth {
			return errDepth
		}
	}
}

func (s *scope) add(token json.Token, fold bool) bool {
	name, _ := token.(string)
	if fold {
		// Up and down again, since some letters, like the Kelvin sign, have two partners.
		name = strings.ToLower(strings.ToUpper(name))
	}
	if _, twice := s.names[name]; twice {
		return false
	}
	s.names[name] = struct{}{}
	return true
}

// checkSurrogates refuses \u escapes that are half of a pair (RFC 8259 section 8.2). The text is
// valid JSON, so backslashes stand in strings only and are followed by what they need.
func checkSurrogates(raw []byte) error {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		i++
		if raw[i] != 'u' {
			continue
		}
		unit := codeUnit(raw[i+1:])
		i += 4
		switch {
		case unit < 0xD800 || unit > 0xDFFF:
		case unit >= 0xDC00:
			return errSurrogate
		default:
			if !bytes.HasPrefix(raw[i+1:], []byte(`\u`)) {
				return errSurrogate
			}
			if low := codeUnit(raw[i+3:]); low < 0xDC00 || low > 0xDFFF {
				return errSurrogate
			}
			i += 6
		}
	}
	return nil
}

func codeUnit(hex []byte) uint64 {
	unit, _ := strconv.ParseUint(string(hex[:4]), 16, 16)
	return unit
}
