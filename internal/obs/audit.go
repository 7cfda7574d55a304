// SPDX-License-Identifier: Apache-2.0

package obs

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// AuditRecord says who was shown what: one record for each answer that held a
// user's data, also for one that broke off.
type AuditRecord struct {
	Time      time.Time `json:"time"` // when the answer had ended
	Event     string    `json:"event"`
	Operation string    `json:"operation"`
	Method    string    `json:"method"` // HTTP; an answer to HEAD holds headers only
	UserID    string    `json:"user_id"`
	UserType  string    `json:"user_type,omitempty"`
	// Count is how many jobs the answer held, or was about to hold when it broke
	// off; nil when that is not known.
	Count     *int   `json:"count,omitempty"`
	Complete  bool   `json:"complete"` // whether the answer was sent whole
	RequestID string `json:"request_id"`
	TraceID   string `json:"trace_id,omitempty"`
}

// AuditRead is the event of an answer that was read.
const AuditRead = "read"

// Audit is a stream of audit records, apart from the log: it names users, is kept
// longer, and is for other eyes. A nil Audit keeps none.
type Audit struct {
	mu  sync.Mutex
	out io.Writer
}

// NewAudit returns a stream that writes one JSON object a line to out.
func NewAudit(out io.Writer) *Audit { return &Audit{out: out} }

// Write appends a record, in one call, so that records of several processes do not
// mix in one file.
func (a *Audit) Write(record AuditRecord) error {
	if a == nil {
		return nil
	}
	line, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("write audit record: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, err := a.out.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write audit record: %w", err)
	}
	return nil
}
