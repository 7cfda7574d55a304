// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"reporting/internal/report"
)

// BinaryStore reads and deletes results. It implements report.Binaries.
type BinaryStore struct {
	pool    *Pool
	timeout time.Duration
	now     Clock
}

// NewBinaryStore returns a store on pool. timeout limits each query.
func NewBinaryStore(pool *Pool, timeout time.Duration, now Clock) *BinaryStore {
	return &BinaryStore{pool: pool, timeout: timeout, now: now}
}

// actFor sets the role and the user of the rest of a transaction.
const actFor = `select set_config('role', $1, true), set_config('reporting.user_id', $2, true)`

// RequesterRole is the role for orders and deletions, WorkerRole the role of workers.
const (
	RequesterRole = "reporting_requester"
	WorkerRole    = "reporting_worker"
)

const selectBinary = `
select b.deleted_at is not null, v.version, v.content_type, coalesce(v.source, ''), v.last_updated, v.size, coalesce(v.file_name, '')
  from report_binary b
  left join lateral (
       select version, content_type, source, last_updated, size, file_name from report_binary_version
        where binary_id = b.id and version = coalesce($3, version)
        order by version desc limit 1) v on true
 where b.user_id = $1 and b.id = $2`

// Binary implements report.Binaries.
func (b *BinaryStore) Binary(ctx context.Context, key report.BinaryKey) (out report.Binary, err error) {
	out = report.Binary{ID: key.ID, UserID: key.UserID}
	err = b.forUser(ctx, key.UserID, func(batch *pgx.Batch) {
		batch.Queue(selectBinary, key.UserID, key.ID, versionOrLatest(key.Version)).QueryRow(func(row pgx.Row) error {
			var deleted bool
			var version *int
			var contentType *string
			var updated *time.Time
			var size *int64
			if err := row.Scan(&deleted, &version, &contentType, &out.Source, &updated, &size, &out.FileName); err != nil {
				return err
			}
			switch {
			case deleted:
				return &report.Error{Kind: report.Deleted}
			case version == nil:
				return pgx.ErrNoRows
			}
			out.Version, out.ContentType, out.LastUpdated, out.Size = *version, *contentType, updated.UTC(), *size
			return nil
		})
	})
	return out, err
}

// Piece implements report.Binaries.
func (b *BinaryStore) Piece(ctx context.Context, key report.BinaryKey, number int, buffer []byte) ([]byte, error) {
	err := b.forUser(ctx, key.UserID, func(batch *pgx.Batch) {
		batch.Queue(`
			select p.data from report_binary_piece p join report_binary b on b.id = p.binary_id
			 where b.user_id = $1 and p.binary_id = $2 and p.version = $3 and p.number = $4`,
			key.UserID, key.ID, key.Version, number).QueryRow(func(row pgx.Row) error {
			data := pgtype.PreallocBytes(buffer[len(buffer):cap(buffer)])
			if err := row.Scan(&data); err != nil {
				return err
			}
			buffer = append(buffer, data...)
			return nil
		})
	})
	return buffer, err
}

// Delete implements report.Binaries.
func (b *BinaryStore) Delete(ctx context.Context, userID string, id int64) error {
	return b.pool.ask(ctx, b.timeout, func(batch *pgx.Batch) {
		batch.Queue(actFor, RequesterRole, userID)
		batch.Queue(`select from report_binary where user_id = $1 and id = $2`, userID, id).QueryRow(func(row pgx.Row) error { return row.Scan() })
		batch.Queue(cancelJobOf, userID, id, b.now.time())
		batch.Queue(deleteBinary+`and id = $2`, userID, id, b.now.time())
		batch.Queue(deleteVersions+`and b.id = $2`, userID, id)
	})
}

// cancelJobOf cancels the job of a Binary.
const cancelJobOf = `
update report_job j set status = 'CANCELLED', ended_at = greatest(coalesce($3::timestamptz, now()), j.started_at, j.created_at)
  from report_binary b
 where b.user_id = $1 and b.id = $2 and j.id = b.job_id and j.status in ('SCHEDULED', 'QUEUED', 'RUNNING')`

// forUser sends queries under the row-level security of a user.
func (b *BinaryStore) forUser(ctx context.Context, userID string, ask func(*pgx.Batch)) error {
	return b.pool.ask(ctx, b.timeout, func(batch *pgx.Batch) {
		batch.Queue(SetUser, userID)
		ask(batch)
	})
}

// versionOrLatest returns nil, the SQL null, for the latest version.
func versionOrLatest(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}
