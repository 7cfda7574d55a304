// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Looking for a pooler can cost the connection that it is looked for on. The new one in
// its place is no reason to look again at once, or it would go on like that.
func TestNoLookAfterEachNewConnection(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	for _, known := range []Pooling{PoolingUnknown, LossyPooling} {
		w := poolingCheck{matters: true, now: func() time.Time { return now }, conn: &pgx.Conn{}, pooling: known, next: now.Add(time.Second)}
		if got := w.loses(t.Context(), &pgx.Conn{}, 1); got != (known == LossyPooling) || w.pooling != known {
			t.Errorf("of %v it says %v and knows %v", known, got, w.pooling)
		}
	}
}
