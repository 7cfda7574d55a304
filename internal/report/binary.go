// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"time"
)

// Binary describes one version of a Binary resource, without its data.
type Binary struct {
	ID          int64
	Version     int    // 1 is the placeholder, 2 the result
	UserID      string // the owner
	ContentType string
	Source      string // id of the request that created it; empty for a version that a worker stored
	LastUpdated time.Time
	Size        int64  // bytes
	FileName    string // suggested name of a download; may be empty
}

// BinaryKey identifies a version of a user's Binary. Version zero is the latest one.
type BinaryKey struct {
	UserID  string
	ID      int64
	Version int
}

// PieceSize is the size of the pieces in which the store keeps data, in bytes.
const PieceSize = 256 << 10

// Binaries is the port through which users read and delete results. Errors are of type
// *Error. A Binary of another user is NotFound.
type Binaries interface {
	// Binary returns a version. The error of a deleted one is Deleted.
	Binary(ctx context.Context, key BinaryKey) (Binary, error)
	// Piece appends piece number (from 0) of a version's data to buffer. Every piece but the
	// last has PieceSize bytes.
	Piece(ctx context.Context, key BinaryKey, number int, buffer []byte) ([]byte, error)
	// Delete deletes a Binary with all versions and cancels the job that would fill it.
	// Deleting a deleted Binary succeeds.
	Delete(ctx context.Context, userID string, id int64) error
}
