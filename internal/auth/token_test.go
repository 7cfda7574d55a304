// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"errors"
	"strings"
	"testing"
)

func TestBearerToken(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", maxToken)
	for _, row := range []struct {
		name   string
		values []string
		want   string
		kind   Kind
	}{
		{"plain", []string{"Bearer a.b.c"}, "a.b.c", 0},
		{"lower case", []string{"bearer a.b.c"}, "a.b.c", 0},
		{"upper case", []string{"BEARER a.b.c"}, "a.b.c", 0},
		// RFC 6750 says 1*SP.
		{"several blanks", []string{"Bearer   a.b.c"}, "a.b.c", 0},
		{"as long as allowed", []string{"Bearer " + long}, long, 0},
		{"too long", []string{"Bearer " + long + "a"}, "", InvalidToken},
		{"no header", nil, "", NoCredentials},
		// W-80: only a missing header gets the challenge without an error attribute.
		{"empty header", []string{""}, "", InvalidToken},
		{"no token", []string{"Bearer"}, "", InvalidToken},
		{"blank token", []string{"Bearer  "}, "", InvalidToken},
		{"other scheme", []string{"Basic dXNlcjpwYXNz"}, "", InvalidToken},
		// The commas of its parameters do not make it two credentials.
		{"digest", []string{`Digest username="a", realm="b"`}, "", InvalidToken},
		{"scheme glued on", []string{"Bearera.b.c"}, "", InvalidToken},
		{"tab", []string{"Bearer\ta.b.c"}, "", InvalidToken},
		{"blank in front", []string{" Bearer a.b.c"}, "", InvalidToken},
		{"two headers", []string{"Bearer a.b.c", "Bearer d.e.f"}, "", MalformedRequest},
		// The same token twice is two credentials.
		{"two equal headers", []string{"Bearer a.b.c", "Bearer a.b.c"}, "", MalformedRequest},
		{"two headers, one empty", []string{"", "Bearer a.b.c"}, "", MalformedRequest},
		// A proxy may join two headers into one.
		{"two in one", []string{"Bearer a.b.c, Bearer d.e.f"}, "", MalformedRequest},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			token, err := bearerToken(row.values)
			if token != row.want || kindOf(t, err) != row.kind {
				t.Errorf("got %q, %v; want %q, %v", token, err, row.want, row.kind)
			}
		})
	}
}

func TestParseToken(t *testing.T) {
	t.Parallel()
	const header, payload = "eyJhbGciOiJub25lIn0", "eyJ1c2VyX2lkIjoieCJ9"
	for _, row := range []struct {
		name, token string
		want        error
	}{
		{"unsigned", header + "." + payload + ".", nil},
		{"signed", header + "." + payload + ".c2ln", nil},
		// The signature is not decoded, so an invalid length is no error.
		{"signature of odd length", header + "." + payload + ".abcde", nil},
		{"two segments", header + "." + payload, errSegments},
		{"four segments", header + "." + payload + "..", errSegments},
		{"five segments, an encrypted token", header + "." + payload + ".a.b.c", errSegments},
		{"nothing but dots", strings.Repeat(".", maxToken), errSegments},
		{"padding", header + "=." + payload + ".", errEncoding},
		{"plus", header + "." + payload + ".+", errEncoding},
		{"slash", header + "." + payload + "./", errEncoding},
		// Go's base64 decoder skips line breaks.
		{"line break", header + "." + payload[:4] + "\n" + payload[4:] + ".", errEncoding},
		{"carriage return", header + "." + payload + ".\r", errEncoding},
		{"blank inside", header + "." + payload + ". x", errEncoding},
		{"blank after it", header + "." + payload + ". ", errEncoding},
		{"beyond ASCII", header + "." + payload + ".é", errEncoding},
		{"broken UTF-8", header + "." + payload + ".\xff", errEncoding},
		// Unused bits make several texts of one token.
		{"unused bits in the payload", header + ".e31.", errEncoding},
		{"empty header", "." + payload + ".", errHeader},
		{"empty payload", header + "..", errPayload},
		{"header null", "bnVsbA." + payload + ".", errHeader},
		{"payload null", header + ".bnVsbA.", errPayload},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if _, err := parseToken(row.token); !errors.Is(err, row.want) {
				t.Errorf("got %v, want %v", err, row.want)
			}
		})
	}
}

// kindOf returns the kind of an error, or 0 for nil. It fails for an error without a kind.
func kindOf(t *testing.T, err error) Kind {
	t.Helper()
	if err == nil {
		return 0
	}
	var failure *Error
	if !errors.As(err, &failure) {
		t.Fatalf("error without a kind: %v", err)
	}
	return failure.Kind
}
