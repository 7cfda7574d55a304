// SPDX-License-Identifier: Apache-2.0

package authtest

import (
	"crypto/rand"
	"crypto/rsa"
	"sync"
	"testing"
)

// spare holds RSA keys of tests that have ended, by size in bits. Generating them anew would take
// most of the time of a test.
var spare = struct {
	sync.Mutex
	keys map[int][]*rsa.PrivateKey
}{keys: map[int][]*rsa.PrivateKey{}}

// rsaKey returns a key that no other part of the test process uses until tb ends.
func rsaKey(tb testing.TB, bits int) *rsa.PrivateKey {
	tb.Helper()
	key := takeSpare(bits)
	if key == nil {
		var err error
		if key, err = rsa.GenerateKey(rand.Reader, bits); err != nil {
			tb.Fatalf("generate RSA key of %d bits: %v", bits, err)
		}
	}
	tb.Cleanup(func() {
		spare.Lock()
		defer spare.Unlock()
		spare.keys[bits] = append(spare.keys[bits], key)
	})
	return key
}

func takeSpare(bits int) *rsa.PrivateKey {
	spare.Lock()
	defer spare.Unlock()
	keys := spare.keys[bits]
	if len(keys) == 0 {
		return nil
	}
	spare.keys[bits] = keys[:len(keys)-1]
	return keys[len(keys)-1]
}
