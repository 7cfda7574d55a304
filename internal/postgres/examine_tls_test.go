// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"crypto/tls"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"reporting/internal/doctor"
	"reporting/internal/postgres"
	"reporting/internal/postgres/pgtest"
)

// startTLS is a pooler that encrypts; the file holds the authority to trust.
func startTLS(t *testing.T, db string) (through, authority string) {
	t.Helper()
	pki := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(pki.Close)
	authority = filepath.Join(t.TempDir(), "authority.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pki.Certificate().Raw})
	if err := os.WriteFile(authority, text, 0o600); err != nil {
		t.Fatal(err)
	}
	through = startPooler(t, db, &pooler{keepPIDs: true, tls: &tls.Config{Certificates: pki.TLS.Certificates}})
	return strings.TrimSuffix(through, "?sslmode=disable"), authority
}

func TestExamineEncryption(t *testing.T) {
	t.Parallel()
	through, authority := startTLS(t, pgtest.New(t).Reader)
	for options, want := range map[string]string{
		"?sslmode=disable": "ok database: the connection stays on this machine",
		"?sslmode=require": "warning database: the connection is encrypted (TLS 1.3), but the server's certificate is not verified",
		"?sslmode=allow":   "ok database: the connection stays on this machine",
		"":                 "warning database: the connection is encrypted (TLS 1.3), but the server's certificate is not verified", // prefer
		"?sslmode=verify-full&sslrootcert=" + url.QueryEscape(authority): "ok database: the connection is encrypted (TLS 1.3), and the server's certificate is verified",
		"?sslmode=verify-ca&sslrootcert=" + url.QueryEscape(authority):   "ok database: the connection is encrypted (TLS 1.3), and the server's certificate is verified",
		"?sslmode=verify-full": "error database: |failed to verify certificate",
	} {
		_, all := examine(t, postgres.Examination{URL: through + options})
		begin, part, _ := strings.Cut(want, "|")
		if !slices.ContainsFunc(all, func(line string) bool { return strings.HasPrefix(line, begin) && strings.Contains(line, part) }) {
			t.Errorf("%q: nothing like %q among %q", options, want, all)
		}
	}
}

// far is a connection to another machine.
type far struct{ net.Conn }

func (far) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5432} }

func TestExamineOpenConnection(t *testing.T) {
	t.Parallel()
	if f := postgres.Encryption(far{}); f.Result != doctor.Warning || !strings.Contains(f.Message, "not encrypted") {
		t.Errorf("%+v", f)
	}
}

// A standby in the place of the primary, and in its own.
func TestExamineStandby(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	for name, row := range map[string]struct {
		e    postgres.Examination
		want string
	}{
		"as the primary": {postgres.Examination{}, "warning server: the server is a standby: its jobs may be old"},
		"as a replica":   {postgres.Examination{Area: "replica", Setting: "X", Replica: true}, "ok replica server: the server is a standby, and its lag is small"},
	} {
		row.e.URL = postgres.WithRole(p.standby.URL("postgres", "postgres"), postgres.ReaderRole)
		var all []string
		eventually(t, name, func() bool {
			_, all = examine(t, row.e)
			return slices.ContainsFunc(all, func(line string) bool { return strings.HasPrefix(line, row.want) })
		})
	}
}
