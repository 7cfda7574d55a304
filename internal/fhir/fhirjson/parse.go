// SPDX-License-Identifier: Apache-2.0

package fhirjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is the maximum nesting of arrays and objects. Real resources have less than 20
// levels.
const MaxDepth = 64

// MaxValues is the maximum number of values that ParseBody accepts, nested ones included. A
// value takes about eighty bytes of memory and as little as two bytes of text, so a small body
// could use much memory.
const MaxValues = 50_000

// Parse parses exactly one JSON value (RFC 8259) in UTF-8. It also refuses text that JSON
// parsers interpret differently: duplicate names, half surrogate pairs, a byte order mark, and
// more than MaxDepth levels. The error is a *Fault without Expression.
func Parse(text []byte) (Value, error) { return parse(text, math.MaxInt) }

// ParseBody is Parse for request bodies: it also refuses more than MaxValues values.
func ParseBody(text []byte) (Value, error) { return parse(text, MaxValues) }

func parse(text []byte, most int) (Value, error) {
	if bytes.HasPrefix(text, []byte("\ufeff")) {
		return Value{}, &Fault{Reason: "The text begins with a byte order mark, which JSON does not allow."}
	}
	if !utf8.Valid(text) {
		return Value{}, &Fault{Reason: fmt.Sprintf("The text is not UTF-8 at byte %d.", invalidUTF8(text))}
	}
	p := parser{text: text, most: most, decoder: jsontext.NewDecoder(bytes.NewBuffer(text))}
	value, err := p.value(0)
	if err != nil {
		return Value{}, err
	}
	if _, err := p.decoder.ReadToken(); !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return Value{}, &Fault{Reason: fmt.Sprintf("The text goes on after its JSON value, which ends at byte %d.", p.end)}
	}
	return value, nil
}

// invalidUTF8 returns the position of the first byte that is not UTF-8.
func invalidUTF8(text []byte) int {
	offset := 0
	for offset < len(text) {
		r, size := utf8.DecodeRune(text[offset:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		offset += size
	}
	return offset
}

type parser struct {
	text    []byte
	decoder *jsontext.Decoder
	end     int64 // end of the last token
	values  int   // read so far
	most    int   // limit of values
}

func (p *parser) token() (jsontext.Token, error) {
	token, err := p.decoder.ReadToken()
	if err != nil {
		return jsontext.Token{}, p.fault(err)
	}
	p.end = p.decoder.InputOffset()
	return token, nil
}

// value parses a value at a depth of nesting.
func (p *parser) value(depth int) (Value, error) {
	token, err := p.token()
	if err != nil {
		return Value{}, err
	}
	if p.values++; p.values > p.most {
		return Value{}, &Fault{Reason: fmt.Sprintf("The text holds more than %d values.", p.most)}
	}
	switch kind := token.Kind(); kind {
	case '{', '[':
		if depth == MaxDepth {
			return Value{}, &Fault{Reason: fmt.Sprintf("Arrays and objects stand in each other more than %d deep at byte %d.", MaxDepth, p.end-1)}
		}
		if kind == '{' {
			return p.object(depth + 1)
		}
		return p.array(depth + 1)
	case '"':
		return Value{Kind: String, Text: token.String()}, nil
	case '0':
		return Value{Kind: Number, Text: token.String()}, nil
	case 't', 'f':
		return Value{Kind: Bool, Text: token.String()}, nil
	default:
		return Value{}, nil
	}
}

func (p *parser) object(depth int) (Value, error) {
	object := Value{Kind: Object}
	for {
		token, err := p.token()
		if err != nil {
			return Value{}, err
		}
		if token.Kind() == '}' {
			return object, nil
		}
		member := Member{Name: token.String()}
		if member.Value, err = p.value(depth); err != nil {
			return Value{}, err
		}
		object.Members = append(object.Members, member)
	}
}

func (p *parser) array(depth int) (Value, error) {
	array := Value{Kind: Array}
	for {
		if p.decoder.PeekKind() == ']' {
			_, err := p.token()
			return array, err
		}
		item, err := p.value(depth)
		if err != nil {
			return Value{}, err
		}
		array.Items = append(array.Items, item)
	}
}

// fault converts an error of the decoder.
func (p *parser) fault(err error) *Fault {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), !errors.As(err, &syntax):
		return &Fault{Reason: "The text is not valid JSON: unexpected end."}
	case errors.Is(err, jsontext.ErrDuplicateName):
		return &Fault{Reason: fmt.Sprintf("The name %s stands twice in one object, the second time at byte %d.",
			Quote(syntax.JSONPointer.LastToken()), syntax.ByteOffset)}
	}
	offset := int(min(syntax.ByteOffset, int64(len(p.text))))
	rest := p.text[offset:]
	if len(rest) > 3 && strings.EqualFold(string(rest[:3]), `\ud`) && rest[3] > '7' {
		return &Fault{Reason: fmt.Sprintf("The text is not valid JSON: half of a surrogate pair at byte %d.", offset)}
	}
	if r, _ := utf8.DecodeRune(rest); unicode.IsPrint(r) && len(rest) > 0 {
		return &Fault{Reason: fmt.Sprintf("The text is not valid JSON: unexpected %q at byte %d.", r, offset)}
	}
	return &Fault{Reason: fmt.Sprintf("The text is not valid JSON at byte %d.", offset)}
}
