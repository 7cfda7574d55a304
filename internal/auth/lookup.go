// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"time"
)

// find returns the public key that a token's header names. For an unknown key it requests one load
// from the server and waits for it.
func (k *keyring) find(ctx context.Context, h header) (publicKey any, err error) {
	key, err := k.store.KeyRead(ctx, h.keyID)
	if err != nil {
		if load := k.request(); load != nil {
			if err := k.await(ctx, load); err != nil {
				return nil, err
			}
		}
		// Read again even without a load to wait for: one may have ended in the meantime.
		if key, err = k.store.KeyRead(ctx, h.keyID); err != nil {
			return nil, fail(InvalidToken, errUnknownKey)
		}
	}
	if key.Marshal().ALG.String() != h.algorithm {
		return nil, fail(InvalidToken, errSignature)
	}
	return key.Key(), nil
}

// await waits for a load to end, within the time and the number of waiting tokens that are allowed.
func (k *keyring) await(ctx context.Context, load <-chan struct{}) error {
	select {
	case k.waiting <- struct{}{}:
		defer func() { <-k.waiting }()
	default:
		return fail(KeysUnavailable, errCrowded)
	}
	timer := time.NewTimer(k.wait)
	defer timer.Stop()
	select {
	case <-load:
	case <-timer.C:
	case <-ctx.Done():
		return fail(KeysUnavailable, errGaveUp)
	}
	return nil
}
