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

// maxDepth bounds the nesting of JSON that strangers send. Real tokens nest three or four deep.
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
// of two members with the same name, and replaces bytes it cannot read by U+FFFD. Each of these
// lets two readers of one token see two different users (RFC 7515 section 4, RFC 7519 section 4,
// RFC 8725 section 3.7). For the same reason names of the outermost object count as the same when
// they differ only in case: other readers of the token may think so.
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
		// Up and down again, since some letters, like the Kelvin sign, have two partners.
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

// skipValue reads one value of the outermost object, and with it what it holds.
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
