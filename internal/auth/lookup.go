// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"errors"
	"time"

	"github.com/MicahParks/jwkset"
)

// lookup is the storage as the key function sees it: a key that is missing is worth one look at
// the server. Its errors are constants, where the library's would repeat the key id.
type lookup struct {
	jwkset.Storage

	keys *keyring
}

// KeyRead implements jwkset.Storage.
func (l lookup) KeyRead(ctx context.Context, id string) (jwkset.JWK, error) {
	if key, err := l.Storage.KeyRead(ctx, id); err == nil {
		return key, nil
	}
	if load := l.keys.ask(); load != nil {
		if err := l.wait(ctx, load); err != nil {
			return jwkset.JWK{}, err
		}
	}
	// Also when there is nothing to wait for: a load may have ended since the first look.
	key, err := l.Storage.KeyRead(ctx, id)
	if err != nil {
		return jwkset.JWK{}, errUnknownKey
	}
	return key, nil
}

// wait waits for a load to end, but not for long, and not with too many others.
func (l lookup) wait(ctx context.Context, load <-chan struct{}) error {
	select {
	case l.keys.waiting <- struct{}{}:
		defer func() { <-l.keys.waiting }()
	default:
		return errCrowded
	}
	timer := time.NewTimer(l.keys.wait)
	defer timer.Stop()
	select {
	case <-load:
	case <-timer.C:
	case <-ctx.Done():
		return errGaveUp
	}
	return nil
}

// KeyReadAll implements jwkset.Storage. The key function calls it for tokens without a key id, in
// order to try every key there is; those tokens are refused earlier, and once more here.
func (l lookup) KeyReadAll(context.Context) ([]jwkset.JWK, error) {
	return nil, errors.New("keys are looked up one by one")
}
