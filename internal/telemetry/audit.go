// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"strconv"
	"time"
	"unicode/utf16"
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
	// Count is how many jobs or results the answer held; of one that broke off, how far it had
	// got, not all of which may have arrived; nil when that is not known.
	Count *int `json:"count,omitempty"`
	// Complete tells whether the answer was written to its end. What the network
	// does with the last of it nobody knows.
	Complete  bool   `json:"complete"`
	RequestID string `json:"request_id"`
	TraceID   string `json:"trace_id,omitempty"`
}

// The events: an answer that was read, a report that was asked for, and a result that was
// deleted.
const (
	AuditRead   = "read"
	AuditOrder  = "order"
	AuditDelete = "delete"
)

// line is the record as one line of ASCII. Tokens may hold characters that end a line
// for some readers, or turn a terminal's text around: U+0085, U+009B, U+202E. It is
// written by hand because there is one for each answer, and encoding/json would take
// four times as long for a line that then had to be searched for such characters.
func (r AuditRecord) line() []byte {
	const usual = 384 // bytes
	line := append(make([]byte, 0, usual), `{"time":"`...)
	line = r.Time.AppendFormat(line, time.RFC3339Nano)
	line = append(line, '"')
	text := func(name, value string) {
		line = append(append(append(line, `,"`...), name...), `":`...)
		line = appendASCII(line, value)
	}
	text("event", r.Event)
	text("operation", r.Operation)
	text("method", r.Method)
	text("user_id", r.UserID)
	if r.UserType != "" {
		text("user_type", r.UserType)
	}
	if r.Count != nil {
		line = strconv.AppendInt(append(line, `,"count":`...), int64(*r.Count), 10)
	}
	line = strconv.AppendBool(append(line, `,"complete":`...), r.Complete)
	text("request_id", r.RequestID)
	if r.TraceID != "" {
		text("trace_id", r.TraceID)
	}
	return append(line, "}\n"...)
}

// appendASCII appends a JSON string in which all but printable ASCII is escaped. What
// is not UTF-8 becomes U+FFFD.
func appendASCII(dst []byte, text string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for _, r := range text {
		if ' ' <= r && r < 0x7f {
			if r == '"' || r == '\\' {
				dst = append(dst, '\\')
			}
			dst = append(dst, byte(r))
			continue
		}
		units := [2]rune{r}
		n := 1
		if r > 0xffff {
			units[0], units[1] = utf16.EncodeRune(r)
			n = 2
		}
		for _, u := range units[:n] {
			dst = append(dst, '\\', 'u', digits[u>>12&15], digits[u>>8&15], digits[u>>4&15], digits[u&15])
		}
	}
	return append(dst, '"')
}
