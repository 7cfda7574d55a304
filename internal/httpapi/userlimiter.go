// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"sync"
	"time"
)

const (
	// userCalls is the number of concurrent calls of one user. Streaming responses count, so
	// it is well below maxStreams.
	userCalls = 4
	// userWaiting is how many more calls may wait for a slot. Each holds a connection and
	// the headers of its request.
	userWaiting = 4 * userCalls
	// userTimeout is how long one more call of the same user waits for a slot: a web page
	// may send ten requests at once.
	userTimeout = time.Second
)

// userLimiter limits the concurrent calls of each user. A user's semaphore exists from the
// user's first call to the last one in progress.
type userLimiter struct {
	mu    sync.Mutex
	users map[string]*userSlots
}

type userSlots struct {
	slots chan struct{} // holds one item for each call in progress
	calls int           // in progress or waiting; guarded by the limiter's mutex
}

func newUserLimiter() *userLimiter { return &userLimiter{users: map[string]*userSlots{}} }

// acquire waits for a slot of the user. If ok, call release afterwards.
func (t *userLimiter) acquire(ctx context.Context, userID string) (release func(), ok bool) {
	t.mu.Lock()
	user := t.users[userID]
	if user == nil {
		user = &userSlots{slots: make(chan struct{}, userCalls)}
		t.users[userID] = user
	}
	if user.calls >= userCalls+userWaiting {
		t.mu.Unlock()
		return nil, false
	}
	user.calls++
	t.mu.Unlock()
	if !user.wait(ctx) {
		t.leave(userID, user)
		return nil, false
	}
	return func() {
		<-user.slots
		t.leave(userID, user)
	}, true
}

func (u *userSlots) wait(ctx context.Context) bool {
	select {
	case u.slots <- struct{}{}:
		return true
	default:
	}
	timer := time.NewTimer(userTimeout)
	defer timer.Stop()
	select {
	case u.slots <- struct{}{}:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// leave deletes the semaphore of a user without calls.
func (t *userLimiter) leave(userID string, user *userSlots) {
	t.mu.Lock()
	defer t.mu.Unlock()
	user.calls--
	if user.calls == 0 {
		delete(t.users, userID)
	}
}
