// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"strconv"
	"time"
	"unicode/utf16"
)

// AuditRecord records the disclosure of a user's data: one record for each response that
// contained any, also for an aborted one.
type AuditRecord struct {
	Time      time.Time `json:"time"` // UTC, end of the response
	Event     string    `json:"event"`
	Operation string    `json:"operation"`
	Method    string    `json:"method"` // of HTTP; a response to HEAD contains headers only
	UserID    string    `json:"user_id"`
	UserType  string    `json:"user_type,omitempty"`
	// Count is the number of jobs or results in the response. For an aborted response it is the
	// number that was written; nil means unknown.
	Count *int `json:"count,omitempty"`
	// Complete is true if the whole response was written to the connection. The client may still
	// have lost its end.
	Complete  bool   `json:"complete"`
	RequestID string `json:"request_id"`
	TraceID   string `json:"trace_id,omitempty"`
}

// The events: a response with data, an order, and a deletion.
const (
	AuditRead   = "read"
	AuditOrder  = "order"
	AuditDelete = "delete"
)

// line returns the record as one line of ASCII. Claims can contain characters that some programs
// take for the end of a line, or that change a terminal: U+0085, U+009B, U+202E. The code is
// written by hand, because encoding/json takes four times as long and leaves such characters.
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

// appendASCII appends a JSON string with everything but printable ASCII escaped. Invalid UTF-8
// becomes U+FFFD.
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
