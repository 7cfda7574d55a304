// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"net/http"
	"net/netip"

	"reporting/internal/auth"
)

// credentials collects what authentication may look at: the header as it came,
// and the TCP peer, never an address that a header claims.
func credentials(r *http.Request) auth.Credentials {
	c := auth.Credentials{Authorization: r.Header.Values("Authorization")}
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		c.Peer = peer.Addr()
	}
	return c
}
