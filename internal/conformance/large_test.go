// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reporting/internal/config"
	"reporting/internal/postgres/pgtest"
	"reporting/internal/report"
)

// storeResult stores a result of some full pieces and a short one for a scheduled report.
// It returns the path of the Binary and the digest of its bytes.
func storeResult(t *testing.T, server instance, user string, pieces int) (path, digest string) {
	t.Helper()
	b := server.placeOrder(t, order("schedule", usageStats, user, anonymous))
	server.db.Exec(t, `insert into report_binary_version (binary_id, version, content_type, size, file_name)
		values ($1::bigint, 2, 'application/gzip-json', $2::bigint * 262144 + 5, 'large.zip')`, b.ID, pieces)
	server.db.Exec(t, `insert into report_binary_piece (binary_id, version, number, data)
		select $1::bigint, 2, n, convert_to(repeat(md5(n::text), 8192), 'UTF8') from generate_series(0, $2::int - 1) n`, b.ID, pieces)
	server.db.Exec(t, `insert into report_binary_piece (binary_id, version, number, data) values ($1::bigint, 2, $2::int, 'the e')`, b.ID, pieces)
	conn := pgtest.Connect(t, server.db.Superuser)
	hash := sha256.New()
	for n := range pieces + 1 {
		var piece []byte
		if err := conn.QueryRow(t.Context(), `select data from report_binary_piece where binary_id = $1::bigint and version = 2 and number = $2`, b.ID, n).Scan(&piece); err != nil {
			t.Fatal(err)
		}
		hash.Write(piece)
	}
	return b.path(), hex.EncodeToString(hash.Sum(nil))
}

// large starts a server with a long statement timeout and no workers.
func large(t *testing.T) instance {
	t.Helper()
	return own(t, func(c *config.Config) {
		withReports(t, c)
		c.Reports.Workers = 0
		c.StatementTimeout = time.Minute
	})
}

//nolint:paralleltest // it measures the memory of the process, server and client together
func TestW153_LargeResultIsStreamed(t *testing.T) {
	slow(t, "transfers 100 MiB three times")
	const pieces, limit = 400, 32 << 20 // 100 MiB
	server, user := large(t), newUser()
	path, want := storeResult(t, server, user, pieces)
	const size = pieces*report.PieceSize + 5
	for name, r := range map[string]request{
		"bytes": get(user, path).withoutAccept().with("Accept-Encoding", "gzip"), "json": get(user, path), "xml": get(user, path).with("Accept", "application/fhir+xml"),
	} {
		before := memoryInUse()
		res, err := client.Do(server.build(t, r))
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusOK || res.ContentLength >= 0 != (name == "bytes") {
			t.Fatalf("%s: %d, Content-Length %d", name, res.StatusCode, res.ContentLength)
		}
		var peak atomic.Uint64
		watched := io.TeeReader(res.Body, writer(func() { peak.Store(max(peak.Load(), memoryInUse())) }))
		data := watched
		if name != "bytes" {
			data = base64.NewDecoder(base64.StdEncoding, skipPast(t, watched, map[string]string{"json": `"data":"`, "xml": `<data value="`}[name]))
		}
		hash := sha256.New()
		n, err := io.CopyBuffer(hash, io.LimitReader(data, size), make([]byte, 1<<20))
		if err != nil || n != size || hex.EncodeToString(hash.Sum(nil)) != want {
			t.Errorf("%s: %d bytes of %d: %v", name, n, size, err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_ = res.Body.Close()
		growth := int64(peak.Load()) - int64(before)
		t.Logf("%s: memory grew by %d KiB during %d MiB", name, growth>>10, n>>20)
		if growth > limit {
			t.Errorf("%s: memory grew by %d bytes, want at most %d", name, growth, limit)
		}
	}
	middle := server.do(t, get(user, path).withoutAccept().with("Range", "bytes="+strconv.Itoa(report.PieceSize-2)+"-"+strconv.Itoa(report.PieceSize+1)))
	if middle.status != http.StatusPartialContent || len(middle.body) != 4 {
		t.Errorf("across two pieces: %d, %d bytes", middle.status, len(middle.body))
	}
	end := server.do(t, get(user, path).withoutAccept().with("Range", "bytes=-7"))
	if !strings.HasSuffix(string(end.body), "the e") || len(end.body) != 7 {
		t.Errorf("last seven bytes: got %q", end.body)
	}
}

type writer func()

func (w writer) Write(p []byte) (int, error) {
	w()
	return len(p), nil
}

// skipPast skips the text before the data of a Binary.
func skipPast(t *testing.T, r io.Reader, before string) io.Reader {
	t.Helper()
	buffered := bufio.NewReaderSize(r, 64<<10)
	head, err := buffered.Peek(1 << 10)
	at := bytes.Index(head, []byte(before))
	if err != nil || at < 0 {
		t.Fatalf("find %q: %v: got %q", before, err, head)
	}
	_, _ = buffered.Discard(at + len(before))
	return buffered
}

// memoryInUse returns the bytes that the process holds from the system.
func memoryInUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys - m.HeapReleased
}

// Data that cannot be read to its end breaks the transfer, so that a client does not
// take half a report for a whole one.
func TestW154_UnreadableDataBreaksTheConnection(t *testing.T) {
	t.Parallel()
	const pieces = 16
	server, user := large(t), newUser()
	for name, spoil := range map[string]string{
		"a piece is gone":        `delete from report_binary_piece where binary_id = $1::bigint and version = 2 and number = 8`,
		"a piece is short":       `update report_binary_piece set data = 'x' where binary_id = $1::bigint and version = 2 and number = 8`,
		"the last piece is gone": `delete from report_binary_piece where binary_id = $1::bigint and version = 2 and number = 16`,
	} {
		path, _ := storeResult(t, server, user, pieces)
		server.db.Exec(t, spoil, strings.TrimPrefix(path, "/Binary/"))
		for _, encoding := range []string{"identity", "gzip"} {
			for _, accept := range []string{"*/*", fhirJSON, "application/fhir+xml"} {
				r := get(user, path).with("Accept", accept).with("Accept-Encoding", encoding)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				res, err := client.Do(server.build(t, r).WithContext(ctx))
				if err != nil {
					t.Fatal(err)
				}
				n, err := io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				cancel()
				if err == nil || res.StatusCode != http.StatusOK {
					t.Errorf("%s, %s, %s: got status %d and %d bytes without an error, want a broken transfer", name, accept, encoding, res.StatusCode, n)
				}
			}
		}
		// A range of the first piece is still readable.
		if a := server.do(t, get(user, path).withoutAccept().with("Range", "bytes=0-9")); a.status != http.StatusPartialContent || len(a.body) != 10 {
			t.Errorf("%s: a range: got status %d", name, a.status)
		}
	}
	waitFor(t, "the log", func() bool { return strings.Contains(server.log.String(), `"aborted":true`) })
	// Before the first byte the service can still respond with an error.
	path, _ := storeResult(t, server, user, 1)
	server.db.Exec(t, `delete from report_binary_piece where binary_id = $1::bigint and version = 2`, strings.TrimPrefix(path, "/Binary/"))
	for _, accept := range []string{fhirJSON, "application/fhir+xml"} {
		a := server.do(t, get(user, path).with("Accept", accept))
		// Not 404: the Binary exists.
		if a.status != http.StatusInternalServerError || a.header.Get("Etag") != "" || a.header.Get("Content-Location") != "" {
			t.Errorf("%s: got status %d, %v", accept, a.status, a.header)
		}
	}
}
