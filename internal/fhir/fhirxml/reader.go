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
	textToken // also CDATA
	commentToken
	endOfText
)

// token is a piece of XML with resolved names. Its attributes contain no namespace declarations.
type token struct {
	kind         tokenKind
	space, local string // of a start or end tag
	attributes   []attribute
	text         string // of a text or comment
}

type attribute struct{ space, local, value string }

// reader reads XML token by token with encoding/xml, which accepts much that is not XML. The
// reader adds the missing checks: matching tags, one root with only white space around it,
// declared prefixes, distinct attributes with white space between them, and valid characters. It
// refuses document types and processing instructions.
type reader struct {
	text    []byte
	decoder *xml.Decoder
	begin   int // position at which the decoder started
	spaces  namespaces
	open    []xml.Name // as written in the text
	root    bool       // the root element has started
}

// newReader reads text from a position on.
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

// malformed returns the fault of text that is not XML at a position.
func (r *reader) malformed(offset int, why string) *fhirjson.Fault {
	line := 1 + bytes.Count(r.text[:offset], []byte{'\n'})
	return &fhirjson.Fault{Reason: fmt.Sprintf("The text is not well-formed XML in line %d: %s.", line, why)}
}

// next returns the next token. It skips white space around the root.
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

// whiteSpace is the white space of XML (section 2.3, S).
const whiteSpace = " \t\r\n"

// end returns nil at the end of well-formed XML, and otherwise the fault.
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

// entityAtEnd returns the name of an entity &name; at the end of raw, where the decoder stopped
// because it does not know the entity.
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
