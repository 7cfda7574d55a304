// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// maxToken is the maximum length of a token, in bytes. It limits the work for an unauthenticated
// client. A token with a hundred roles fits.
const maxToken = 8 << 10

// bearerToken returns the token of the Authorization header (RFC 6750 section 2.1:
// "Bearer" 1*SP b64token). Tokens in the query or the body are ignored.
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
	// A proxy may join two headers with a comma (RFC 9110 section 5.3). A token contains none.
	if strings.Contains(token, ",") {
		return "", fail(MalformedRequest, errSeveral)
	}
	if len(token) > maxToken {
		return "", fail(InvalidToken, errTooLong)
	}
	return token, nil
}

// parsedToken is a decoded token (RFC 7515 section 3.1). Only its form is checked.
type parsedToken struct {
	header  map[string]json.RawMessage
	payload map[string]json.RawMessage
	// signed is the signing input: the first two segments (RFC 7515 section 5.1).
	signed    string
	signature string // base64url
}

// parseToken decodes a token of three base64url segments without padding. The first two must be
// JSON objects. The signature is not decoded, because a Gateway accepts unsigned tokens.
func parseToken(token string) (parsedToken, error) {
	segments := strings.SplitN(token, ".", 4)
	if len(segments) != 3 {
		return parsedToken{}, fail(InvalidToken, errSegments)
	}
	for _, segment := range segments {
		// Go's strict decoder still skips line breaks.
		if strings.ContainsFunc(segment, notBase64URL) {
			return parsedToken{}, fail(InvalidToken, errEncoding)
		}
	}
	header, err := parseSegment(segments[0], errHeader)
	if err != nil {
		return parsedToken{}, err
	}
	payload, err := parseSegment(segments[1], errPayload)
	if err != nil {
		return parsedToken{}, err
	}
	return parsedToken{
		header: header, payload: payload, signature: segments[2], signed: token[:len(segments[0])+1+len(segments[1])],
	}, nil
}

func parseSegment(segment string, invalid error) (map[string]json.RawMessage, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(segment)
	if err != nil {
		return nil, fail(InvalidToken, errEncoding)
	}
	fields, err := readObject(raw)
	if err != nil {
		return nil, fail(InvalidToken, invalid)
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
