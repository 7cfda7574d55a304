// SPDX-License-Identifier: Apache-2.0

package fhirxml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"

	"reporting/internal/fhir/fhirjson"
)

type tokenKind uint8

const (
	startToken tokenKind = iota
	endToken
	textToken // CDATA too
	commentToken
	endOfText
)

// token is a piece of XML with its names resolved. Declarations of namespaces
// are not among the attributes.
type token struct {
	kind         tokenKind
	space, local string // of a start or end
	attributes   []attribute
	text         string // of a text or comment
}

type attribute struct{ space, local, value string }

// reader reads XML token by token with encoding/xml, which knows the syntax but
// lets pass what XML does not. The reader makes up for that: tags must match,
// one root, nothing but white space around it, prefixes must be declared,
// attributes must differ and be set apart, and characters must be XML's. Document
// types and processing instructions are refused altogether.
type reader struct {
	text    []byte
	decoder *xml.Decoder
	begin   int // where the decoder began
	spaces  namespaces
	open    []xml.Name // as written
	root    bool       // was there
}

// newReader reads text from the byte begin on.
func newReader(text []byte, begin int) (*reader, *fhirjson.Fault) {
	if reason, offset := misfit(string(text)); reason != "" {
		return nil, &fhirjson.Fault{Reason: fmt.Sprintf("The text %s, at byte %d.", reason, offset)}
	}
	return &reader{
		text:    text,
		decoder: xml.NewDecoder(bytes.NewReader(text[begin:])),
		begin:   begin,
		spaces:  newNamespaces(),
	}, nil
}

func (r *reader) offset() int { return r.begin + int(r.decoder.InputOffset()) }

// malformed is the fault that the text is no XML at some byte.
func (r *reader) malformed(offset int, why string) *fhirjson.Fault {
	line := 1 + bytes.Count(r.text[:offset], []byte{'\n'})
	return &fhirjson.Fault{Reason: fmt.Sprintf("The text is not well-formed XML in line %d: %s.", line, why)}
}

// next returns the next token. White space around the root is passed over.
func (r *reader) next() (token, *fhirjson.Fault) {
	for {
		begin := r.offset()
		read, err := r.decoder.RawToken()
		raw := r.text[begin:r.offset()]
		if err != nil {
			return token{kind: endOfText}, r.end(begin, err)
		}
		switch read := read.(type) {
		case xml.StartElement:
			return r.start(begin, raw, read)
		case xml.EndElement:
			return r.close(begin, read)
		case xml.CharData:
			if len(r.open) > 0 {
				return token{kind: textToken, text: string(read)}, r.checkText(begin, raw)
			}
			if len(bytes.Trim(raw, whiteSpace)) > 0 {
				return token{}, r.malformed(begin, "text stands outside of the root element")
			}
		case xml.Comment:
			text := bytes.ReplaceAll(bytes.ReplaceAll(read, []byte("\r\n"), []byte{'\n'}), []byte{'\r'}, []byte{'\n'})
			return token{kind: commentToken, text: string(text)}, nil
		case xml.Directive:
			return token{}, &fhirjson.Fault{Reason: "A document type or another declaration is not accepted in FHIR XML."}
		default:
			return token{}, &fhirjson.Fault{Reason: "A processing instruction is not accepted in FHIR XML."}
		}
	}
}

// whiteSpace is what XML takes for that (section 2.3, S).
const whiteSpace = " \t\r\n"

// end says why there are no more tokens: nil at the end of well-formed XML.
func (r *reader) end(begin int, err error) *fhirjson.Fault {
	offset := r.offset()
	if errors.Is(err, io.EOF) {
		switch {
		case len(r.open) > 0:
			return r.malformed(offset, "unexpected end")
		case !r.root:
			return r.malformed(offset, "there is no element")
		}
		return nil
	}
	if name := entityAtEnd(r.text[begin:offset]); name != "" {
		return r.malformed(offset, "the entity "+fhirjson.Quote(name)+" is not known")
	}
	if offset == len(r.text) {
		return r.malformed(offset, "unexpected end")
	}
	return r.malformed(offset, fmt.Sprintf("wrong syntax before byte %d", offset))
}

// entityAtEnd returns the name in &name; where raw ends so: that is where the
// decoder stopped because it does not know the entity.
func entityAtEnd(raw []byte) string {
	rest, ok := bytes.CutSuffix(raw, []byte{';'})
	if i := bytes.LastIndexByte(rest, '&'); ok && i >= 0 && !bytes.ContainsAny(rest[i:], ";<>\"' \t\r\n") {
		return string(rest[i+1:])
	}
	return ""
}

func (r *reader) close(begin int, read xml.EndElement) (token, *fhirjson.Fault) {
	last := len(r.open) - 1
	if last < 0 || r.open[last] != read.Name {
		return token{}, r.malformed(begin, "an end tag does not match")
	}
	r.open = r.open[:last]
	space, _ := r.spaces.lookUp(read.Name.Space)
	r.spaces.leave()
	return token{kind: endToken, space: space, local: read.Name.Local}, nil
}
