// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"time"
)

// Binary is one version of a result: what a Binary resource says of it, without its
// data.
type Binary struct {
	ID          int64
	Version     int    // from 1, the placeholder; 2 is the result
	UserID      string // whose it is
	ContentType string
	Source      string // the request that made it; empty for what a worker made
	LastUpdated time.Time
	Size        int64  // bytes
	FileName    string // for who saves it; empty: none in particular
}

// BinaryPlace names a version of a Binary of a user. Version zero is the latest.
type BinaryKey struct {
	UserID  string
	ID      int64
	Version int
}

// PieceSize is how many bytes of data are read at once.
const PieceSize = 256 << 10

// Binaries is the port through which results are read and deleted. Errors are of type
// *Error; NotFound is also what somebody else's Binary is.
type Binaries interface {
	// Binary returns a version; Deleted is the error for one that is there no more.
	Binary(ctx context.Context, place BinaryKey) (Binary, error)
	// Piece appends a piece of a version's data to buffer: number times PieceSize from
	// its begin, and as long, or to its end.
	Piece(ctx context.Context, place BinaryKey, number int, buffer []byte) ([]byte, error)
	// Delete deletes a Binary with all versions, and cancels the job that would have
	// filled it. Deleting what is deleted already is no error.
	Delete(ctx context.Context, userID string, id int64) error
}
