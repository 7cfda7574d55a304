// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"sync"
	"time"
)

const (
	// userCalls is how many calls of one user are at work at a time: well below the
	// number of long answers that may be sent at a time, which they count among.
	userCalls = 4
	// userWaiting is how many more may wait for a turn: each holds a connection and
	// what was read of its request.
	userWaiting = 4 * userCalls
	// turnTimeout is how long a further call of the same user waits for its turn: a
	// page may well ask ten things at once.
	turnTimeout = time.Second
)

// turns lets few calls of a user work at a time. It is by hand because a semaphore
// for each user has to come with the user's first call and go with the last.
type userLimiter struct {
	mu    sync.Mutex
	users map[string]*userSlots
}

type userSlots struct {
	slots chan struct{} // holds one for each call at work
	calls int           // at work or waiting; guarded by the mutex of turns
}

func newUserLimiter() *userLimiter { return &userLimiter{users: map[string]*userSlots{}} }

// take waits for the user's turn and tells whether it came. After it did, done must
// be called.
func (t *userLimiter) take(ctx context.Context, userID string) (done func(), ok bool) {
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
	timer := time.NewTimer(turnTimeout)
	defer timer.Stop()
	select {
	case u.slots <- struct{}{}:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// leave forgets a user of whom no call is left.
func (t *userLimiter) leave(userID string, user *userSlots) {
	t.mu.Lock()
	defer t.mu.Unlock()
	user.calls--
	if user.calls == 0 {
		delete(t.users, userID)
	}
}
