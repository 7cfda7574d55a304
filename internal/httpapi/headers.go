// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"net/http"

	"github.com/klauspost/compress/gzhttp"
	"github.com/rs/cors"

	"reporting/internal/httpapi/negotiation"
)

// Header values that every response carries, made once. Their capacity is their length, so
// that an append copies them.
var (
	noStore    = []string{"no-store"}
	noSniff    = []string{"nosniff"}
	deny       = []string{"DENY"}
	noReferrer = []string{"no-referrer"}
	// Stored narratives may hold markup, and browsers show XML.
	contentPolicy = []string{"default-src 'none'; frame-ancestors 'none'; sandbox"}
)

// setHeaders sets the headers that every response carries.
func (s *server) setHeaders(header http.Header, id string) {
	header.Set("X-Request-Id", id)
	// The keys are in canonical form.
	header["Cache-Control"] = noStore
	header["X-Content-Type-Options"] = noSniff
	header["X-Frame-Options"] = deny
	header["Referrer-Policy"] = noReferrer
	header["Content-Security-Policy"] = contentPolicy
	if s.draining() {
		// The client then opens a new connection, to another instance.
		header.Set("Connection", "close")
	}
}

// allowOrigins adds CORS for browsers of the configured origins.
func allowOrigins(origins []string, next http.Handler) http.Handler {
	if len(origins) == 0 {
		return next
	}
	const preflightAge = 600 // seconds
	return cors.New(cors.Options{
		AllowedOrigins: origins,
		// Methods that get a 405 too: a browser should be able to read it.
		AllowedMethods: []string{
			http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
		},
		AllowedHeaders: []string{
			"Accept", "Authorization", "Content-Encoding", "Content-Type", "If-Modified-Since", "If-None-Match", "If-Range", "Prefer", "Range",
			"Traceparent", "Tracestate", "X-Request-Id",
		},
		ExposedHeaders: []string{
			"X-Request-Id", "Location", "Content-Location", "Retry-After",
			"Etag", "Content-Disposition", "Content-Range", "X-Progress", "Preference-Applied", // of reports
		},
		MaxAge: preflightAge,
	}).Handler(next)
}

// minCompress is the smallest body worth compressing, in bytes.
const minCompress = 1024

// compress adds gzip.
func compress(next http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(
		gzhttp.ContentTypes(negotiation.Types()),
		gzhttp.EnableZstd(false),
		gzhttp.CompressionLevel(1), // measured: half the time of the default for nearly its size
		gzhttp.MinSize(minCompress),
	)
	if err != nil {
		return nil, err
	}
	return wrap(next), nil
}
