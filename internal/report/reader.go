// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"errors"
	"io"
)

// BinaryReader reads the data of a version of a Binary, one piece at a time. It implements
// io.ReadSeeker.
type BinaryReader struct {
	ctx    context.Context //nolint:containedctx // io.Reader has no parameter for it
	store  Binaries
	key    BinaryKey
	size   int64
	offset int64
	piece  []byte
	number int // of the piece in memory; -1: none
	err    error
}

// NewBinaryReader returns a reader of the data of binary in store.
func NewBinaryReader(ctx context.Context, store Binaries, binary Binary) *BinaryReader {
	return &BinaryReader{
		ctx: ctx, store: store, key: BinaryKey{UserID: binary.UserID, ID: binary.ID, Version: binary.Version}, size: binary.Size, number: -1,
	}
}

// Err returns the error that ended the reading early, or nil.
func (r *BinaryReader) Err() error { return r.err }

var errIncomplete = errors.New("read Binary: a piece is missing or too short")

// Read implements io.Reader.
func (r *BinaryReader) Read(p []byte) (int, error) {
	if r.offset >= r.size {
		return 0, io.EOF
	}
	number := int(r.offset / PieceSize)
	if number != r.number {
		r.number = -1
		if r.piece == nil {
			r.piece = make([]byte, 0, min(PieceSize, r.size))
		}
		if r.piece, r.err = r.store.Piece(r.ctx, r.key, number, r.piece[:0]); r.err != nil {
			r.err = r.missing(r.err)
			return 0, r.err
		}
		r.number = number
	}
	start := int(r.offset % PieceSize)
	if start >= len(r.piece) {
		r.err = &Error{Kind: Internal, Cause: errIncomplete}
		return 0, r.err
	}
	n := copy(p, r.piece[start:])
	r.offset += int64(n)
	return n, nil
}

// missing returns the error for a piece that the store does not find: Deleted if the Binary
// was deleted during the reading, Internal otherwise.
func (r *BinaryReader) missing(err error) error {
	if KindOf(err) != NotFound {
		return err
	}
	if _, err := r.store.Binary(r.ctx, r.key); err != nil {
		return err
	}
	return &Error{Kind: Internal, Cause: errIncomplete}
}

// Seek implements io.Seeker.
func (r *BinaryReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.offset
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errors.New("seek Binary: negative position")
	}
	r.offset = offset
	return offset, nil
}
