// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is the maximum nesting of the JSON of a token. Real tokens have three or four levels.
const maxDepth = 32

var (
	errNotJSON   = errors.New("not one JSON value in UTF-8")
	errNotObject = errors.New("not a JSON object")
	errDepth     = errors.New("nested too deeply")
	errTwice     = errors.New("a name occurs twice")
)

// readObject reads exactly one JSON object and returns its members by their exact names.
//
// It is stricter than encoding/json, which matches names without regard to case, takes the last
// of two members with the same name, and replaces invalid bytes by U+FFFD. With these rules two
// readers of one token could see two different users (RFC 7515 section 4, RFC 7519 section 4,
// RFC 8725 section 3.7). For the same reason, two names of the outermost object that differ only in
// case are an error.
func readObject(raw []byte) (map[string]json.RawMessage, error) {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(raw))
	begin, err := decoder.ReadToken()
	if err != nil {
		return nil, syntaxError(err)
	}
	if begin.Kind() != '{' {
		return nil, errNotObject
	}
	fields, names := map[string]json.RawMessage{}, map[string]struct{}{}
	for {
		token, err := decoder.ReadToken()
		if err != nil {
			return nil, syntaxError(err)
		}
		if token.Kind() == '}' {
			break
		}
		name := token.String()
		// Upper case first, because some letters, such as the Kelvin sign, have two lower cases.
		folded := strings.ToLower(strings.ToUpper(name))
		if _, twice := names[folded]; twice {
			return nil, errTwice
		}
		names[folded] = struct{}{}
		start := decoder.InputOffset()
		if err := skipValue(decoder); err != nil {
			return nil, err
		}
		fields[name] = bytes.TrimLeft(raw[start:decoder.InputOffset()], " \t\r\n:")
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errNotJSON
	}
	return fields, nil
}

// skipValue reads one value of the outermost object with everything in it.
func skipValue(decoder *jsontext.Decoder) error {
	for {
		if _, err := decoder.ReadToken(); err != nil {
			return syntaxError(err)
		}
		switch depth := decoder.StackDepth(); {
		case depth > maxDepth:
			return errDepth
		case depth == 1:
			return nil
		}
	}
}

func syntaxError(err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return errTwice
	}
	return errNotJSON
}
