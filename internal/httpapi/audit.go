// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"net/http"

	"reporting/internal/telemetry"
)

// serve runs an endpoint and keeps a record of what it disclosed. An answer that
// never began disclosed nothing; one that broke off did, also when a panic broke it.
func (s *server) serve(w http.ResponseWriter, r *http.Request, o Endpoint, call Call) (err error) {
	e := exchangeOf(r.Context())
	answered := &recorder{ResponseWriter: w}
	record := telemetry.AuditRecord{
		Event: o.Event, Operation: o.Label, Method: r.Method, RequestID: e.id, TraceID: e.trace.ID(),
		UserID: call.Caller.UserID, UserType: call.Caller.UserType,
	}
	defer func() {
		if answered.status == 0 {
			return
		}
		record.Time = s.now().UTC()
		s.audit.Write(record)
	}()
	count, err := o.Serve(answered, r, call)
	record.Count, record.Complete = &count, err == nil
	return err
}
