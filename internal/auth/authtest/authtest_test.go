// SPDX-License-Identifier: Apache-2.0

package authtest_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"reporting/internal/auth/authtest"
)

func get(t *testing.T, client *http.Client, address string) (int, map[string]json.RawMessage) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil
	}
	defer func() { _ = response.Body.Close() }()
	var fields map[string]json.RawMessage
	_ = json.NewDecoder(response.Body).Decode(&fields) // no JSON: no fields
	return response.StatusCode, fields
}

// TestProvider sees to it that faults are faults, over the network and without it alike. Else the
// tests that use them would prove nothing.
func TestProvider(t *testing.T) {
	t.Parallel()
	idp := authtest.New(t)
	idp.Publish(authtest.Fields{"kid": "extra"})
	for _, client := range []*http.Client{{}, {Transport: idp.Transport()}} {
		for _, row := range []struct {
			name   string
			fault  authtest.Fault
			status int
			keys   int
		}{
			{"healthy", authtest.Healthy, http.StatusOK, 4},
			{"down", authtest.Down, 0, 0},
			{"unavailable", authtest.Unavailable, http.StatusServiceUnavailable, 0},
			{"error", authtest.ErrorJSON, http.StatusOK, 0},
			{"empty", authtest.EmptySet, http.StatusOK, 0},
			// Clients that are not careful get the right answer through these two.
			{"huge", authtest.Huge, http.StatusOK, 4},
			{"redirect", authtest.Redirect, http.StatusOK, 4},
		} {
			idp.Break(row.fault)
			status, answer := get(t, client, idp.KeysURL())
			var keys []any
			if raw := answer["keys"]; raw != nil {
				if err := json.Unmarshal(raw, &keys); err != nil {
					t.Fatal(err)
				}
			}
			if status != row.status || len(keys) != row.keys {
				t.Errorf("%s: status %d, %d keys", row.name, status, len(keys))
			}
		}
	}
	idp.Break(authtest.Healthy)
	idp.Discovery(authtest.Fields{"issuer": "another"})
	if _, answer := get(t, http.DefaultClient, idp.Issuer()+authtest.DiscoveryPath); string(answer["issuer"]) != `"another"` {
		t.Errorf("discovery: %s", answer)
	}
	if hits := idp.Hits(authtest.DiscoveryPath); hits != 1 {
		t.Errorf("%d hits", hits)
	}
}
