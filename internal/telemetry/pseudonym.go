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

// Pseudonyms replace user ids in the log. Operators see which lines belong to one user, but not
// who the user is.
type Pseudonyms struct {
	macs sync.Pool // of hash.Hash with the key
}

// NewPseudonyms returns pseudonyms that only holders of the key can compute. A plain hash would
// not do, because user ids can be guessed. Without a key a random one is used, and pseudonyms
// change with each start.
func NewPseudonyms(key string) *Pseudonyms {
	if key == "" {
		key = rand.Text()
	}
	return &Pseudonyms{macs: sync.Pool{New: func() any { return hmac.New(sha256.New, []byte(key)) }}}
}

// pseudonymBytes is large enough that two users never share a pseudonym by chance.
const pseudonymBytes = 8

// Of returns the user's pseudonym: the first 16 hexadecimal digits of HMAC-SHA-256 over the id
// (RFC 2104).
func (p *Pseudonyms) Of(userID string) string {
	mac, _ := p.macs.Get().(hash.Hash)
	defer p.macs.Put(mac)
	mac.Reset()
	mac.Write([]byte(userID))
	var sum [sha256.Size]byte
	return hex.EncodeToString(mac.Sum(sum[:0])[:pseudonymBytes])
}
