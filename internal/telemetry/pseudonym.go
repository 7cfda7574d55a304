// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"sync"
)

// Pseudonyms stand in a log for users, so that lines about one user can be told to
// belong together by people who are not to know the user.
type Pseudonyms struct {
	macs sync.Pool // of hash.Hash, with the key in them
}

// NewPseudonyms returns pseudonyms that only holders of the key can compute, which
// is why it is not a plain hash: ids of users are known to others and can be tried.
// Without a key one is made up, and pseudonyms end with the process.
func NewPseudonyms(key string) *Pseudonyms {
	if key == "" {
		key = rand.Text()
	}
	return &Pseudonyms{macs: sync.Pool{New: func() any { return hmac.New(sha256.New, []byte(key)) }}}
}

// pseudonymBytes are so many that no two users share a pseudonym by chance.
const pseudonymBytes = 8

// Of returns the user's pseudonym: the first 16 hexadecimal digits of HMAC-SHA-256
// over the id (RFC 2104).
func (p *Pseudonyms) Of(userID string) string {
	mac, _ := p.macs.Get().(hash.Hash)
	defer p.macs.Put(mac)
	mac.Reset()
	mac.Write([]byte(userID))
	var sum [sha256.Size]byte
	return hex.EncodeToString(mac.Sum(sum[:0])[:pseudonymBytes])
}
