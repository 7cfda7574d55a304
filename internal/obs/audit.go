// SPDX-License-Identifier: Apache-2.0

package obs

import (
	"encoding/json"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// AuditRecord says who was shown what: one record for each answer that held a
// user's data, also for one that broke off.
type AuditRecord struct {
	Time      time.Time `json:"time"` // UTC, when the answer had ended
	Event     string    `json:"event"`
	Operation string    `json:"operation"`
	Method    string    `json:"method"` // HTTP; an answer to HEAD holds headers only
	UserID    string    `json:"user_id"`
	UserType  string    `json:"user_type,omitempty"`
	// Count is how many jobs the answer held; of one that broke off, how far it had
	// got, not all of which may have arrived; nil when that is not known.
	Count *int `json:"count,omitempty"`
	// Complete tells whether the answer was written to its end. What the network
	// does with the last of it nobody knows.
	Complete  bool   `json:"complete"`
	RequestID string `json:"request_id"`
	TraceID   string `json:"trace_id,omitempty"`
}

// AuditRead is the event of an answer that was read.
const AuditRead = "read"

// line is the record as one line of ASCII. Tokens may hold characters that end a
// line for some readers, or turn a terminal's text around: U+0085, U+009B, U+202E.
func (r AuditRecord) line() ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return append(asciiJSON(text), '\n'), nil
}

// asciiJSON escapes whatever is not printable ASCII; encoding/json has escaped what
// is below U+0020.
func asciiJSON(text []byte) []byte {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, len(text)+1)
	for len(text) > 0 {
		if text[0] < 0x7f {
			out, text = append(out, text[0]), text[1:]
			continue
		}
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		units := []rune{r}
		if r > 0xffff {
			first, second := utf16.EncodeRune(r)
			units = []rune{first, second}
		}
		for _, u := range units {
			out = append(out, '\\', 'u', digits[u>>12&15], digits[u>>8&15], digits[u>>4&15], digits[u&15])
		}
	}
	return out
}
