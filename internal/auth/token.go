// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// maxToken bounds the work a stranger can ask for. A token with some hundred roles fits.
const maxToken = 8 << 10

// bearerToken takes the token out of the Authorization header (RFC 6750 section 2.1:
// "Bearer" 1*SP b64token). Query and body are never looked at.
func bearerToken(values []string) (string, error) {
	switch len(values) {
	case 0:
		return "", fail(NoCredentials, errNoHeader)
	case 1:
	default:
		return "", fail(MalformedRequest, errSeveral)
	}
	scheme, rest, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", fail(InvalidToken, errScheme)
	}
	token := strings.TrimLeft(rest, " ")
	if token == "" {
		return "", fail(InvalidToken, errEmpty)
	}
	// RFC 9110 section 5.3 lets a proxy join two headers with a comma, and no token has one.
	if strings.Contains(token, ",") {
		return "", fail(MalformedRequest, errSeveral)
	}
	if len(token) > maxToken {
		return "", fail(InvalidToken, errTooLong)
	}
	return token, nil
}

// envelope is a token taken apart (RFC 7515 section 3.1), with nothing checked but its form.
type envelope struct {
	header  map[string]json.RawMessage
	payload map[string]json.RawMessage
}

// openToken takes a token apart: three segments of base64url without padding, the first two of
// which are sound JSON objects. The last one may be empty or anything in that alphabet, because
// whether it is a signature is not decided here.
func openToken(token string) (envelope, error) {
	segments := strings.SplitN(token, ".", 4)
	if len(segments) != 3 {
		return envelope{}, fail(InvalidToken, errSegments)
	}
	for _, segment := range segments {
		// Go's decoder skips line breaks, even a strict one, so it is no check of the alphabet.
		if strings.ContainsFunc(segment, notBase64URL) {
			return envelope{}, fail(InvalidToken, errEncoding)
		}
	}
	header, err := openSegment(segments[0], errHeader)
	if err != nil {
		return envelope{}, err
	}
	payload, err := openSegment(segments[1], errPayload)
	if err != nil {
		return envelope{}, err
	}
	return envelope{header: header, payload: payload}, nil
}

func openSegment(segment string, unsound error) (map[string]json.RawMessage, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(segment)
	if err != nil {
		return nil, fail(InvalidToken, errEncoding)
	}
	fields, err := readObject(raw)
	if err != nil {
		return nil, fail(InvalidToken, unsound)
	}
	return fields, nil
}

func notBase64URL(r rune) bool {
	switch {
	case 'A' <= r && r <= 'Z', 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '-', r == '_':
		return false
	}
	return true
}
