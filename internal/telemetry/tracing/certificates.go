// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"crypto/tls"
	"crypto/x509"
	"os"
)

// tls reads whom to believe, and who to be, where that is not the system's affair.
func (e *environment) tls() *tls.Config {
	authorities, authoritiesName := e.forTraces("CERTIFICATE")
	certificate, certificateName := e.forTraces("CLIENT_CERTIFICATE")
	key, keyName := e.forTraces("CLIENT_KEY")
	if authorities == "" && certificate == "" && key == "" {
		return nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if authorities != "" {
		config.RootCAs = x509.NewCertPool()
		text, err := os.ReadFile(authorities) //nolint:gosec // the operator's choice
		if err != nil || !config.RootCAs.AppendCertsFromPEM(text) {
			e.add(authoritiesName, "must name a readable file of certificates in PEM form")
		}
	}
	switch {
	case certificate == "" && key == "":
	case certificate == "" || key == "":
		e.add(certificateName+", "+keyName, "go together")
	default:
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			e.add(certificateName+", "+keyName, "must name a certificate and its key in PEM form")
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config
}
