// SPDX-License-Identifier: Apache-2.0

package obs

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// Pseudonyms stand in a log for users, so that lines about one user can be told to
// belong together by people who are not to know the user.
type Pseudonyms struct{ key []byte }

// NewPseudonyms returns pseudonyms that only holders of the key can compute, which
// is why it is not a plain hash: ids of users are known to others and can be tried.
// Without a key one is made up, and pseudonyms end with the process.
func NewPseudonyms(key string) *Pseudonyms {
	if key == "" {
		return &Pseudonyms{key: []byte(rand.Text())}
	}
	return &Pseudonyms{key: []byte(key)}
}

// pseudonymBytes are so many that no two users share a pseudonym by chance.
const pseudonymBytes = 8

// Of returns the user's pseudonym: the first 16 hexadecimal digits of HMAC-SHA-256
// over the id (RFC 2104).
func (p *Pseudonyms) Of(userID string) string {
	mac := hmac.New(sha256.New, p.key)
	mac.Write([]byte(userID))
	return hex.EncodeToString(mac.Sum(nil)[:pseudonymBytes])
}
