// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"errors"
	"net/http"

	"reporting/internal/auth"
	"reporting/internal/obs"
)

// serve runs an operation and keeps a record of what it disclosed. An answer that
// never began disclosed nothing; one that broke off did, also when a panic broke it.
func (s *server) serve(w http.ResponseWriter, r *http.Request, o Operation, call Call) (err error) {
	e := exchangeOf(r.Context())
	answered := &recorder{ResponseWriter: w}
	record := obs.AuditRecord{
		Event: obs.AuditRead, Operation: o.Name, Method: r.Method, RequestID: e.id, TraceID: e.traceID,
		UserID: call.Caller.UserID, UserType: call.Caller.UserType,
	}
	defer func() {
		if answered.status == 0 {
			return
		}
		record.Time = s.now()
		if failure := s.audit.Write(record); failure != nil {
			// The answer is out, and nobody is served by breaking it: but somebody has
			// to hear of it.
			s.metrics.ObserveAuditFailure()
			s.log.ErrorContext(r.Context(), "audit record not written", "request_id", e.id, "error", failure.Error())
		}
	}()
	count, err := o.Serve(answered, r, call)
	record.Count, record.Complete = &count, err == nil
	return err
}

// tokenResult is what became of a request's token, for the metrics.
func tokenResult(err error) string {
	if err == nil {
		return "accepted"
	}
	if refused, ok := errors.AsType[*auth.Error](err); ok {
		switch refused.Kind {
		case auth.NoCredentials:
			return "missing"
		case auth.MalformedRequest:
			return "malformed"
		case auth.ExpiredToken:
			return "expired"
		case auth.NoUser:
			return "no_user"
		case auth.KeysUnavailable:
			return "keys_unavailable"
		case auth.InvalidToken:
		}
	}
	return "invalid"
}
