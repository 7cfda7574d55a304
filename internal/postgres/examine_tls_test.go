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

// startTLS starts a pooler that encrypts. authority is the file with the certificate to trust.
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
			t.Errorf("%q: no %q in %q", options, want, all)
		}
	}
}

// remoteConn is a connection to another machine.
type remoteConn struct{ net.Conn }

func (remoteConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5432} }

func TestExamineUnencryptedConnection(t *testing.T) {
	t.Parallel()
	if f := postgres.Encryption(remoteConn{}); f.Result != doctor.Warning || !strings.Contains(f.Message, "not encrypted") {
		t.Errorf("%+v", f)
	}
}
