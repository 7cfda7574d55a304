// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"errors"
	"io"
)

// Data reads the data of a version of a Binary, one piece at a time. It implements
// io.ReadSeeker.
type BinaryReader struct {
	ctx   context.Context //nolint:containedctx // io.Reader has no other way
	from  Binaries
	of    BinaryKey
	size  int64
	at    int64
	piece []byte
	held  int // number of the piece; -1: none
	err   error
}

// NewData returns the data of binary, which from has told of.
func NewBinaryReader(ctx context.Context, from Binaries, binary Binary) *BinaryReader {
	return &BinaryReader{
		ctx: ctx, from: from, of: BinaryKey{UserID: binary.UserID, ID: binary.ID, Version: binary.Version}, size: binary.Size, held: -1,
	}
}

// Err is why the data could not be read to its end, or nil.
func (d *BinaryReader) Err() error { return d.err }

var errShort = errors.New("a piece of the data is not there, or too short")

// Read implements io.Reader.
func (d *BinaryReader) Read(p []byte) (int, error) {
	if d.at >= d.size {
		return 0, io.EOF
	}
	number := int(d.at / PieceSize)
	if number != d.held {
		d.held = -1
		if d.piece == nil {
			d.piece = make([]byte, 0, min(PieceSize, d.size))
		}
		if d.piece, d.err = d.from.Piece(d.ctx, d.of, number, d.piece[:0]); d.err != nil {
			d.err = d.missing(d.err)
			return 0, d.err
		}
		d.held = number
	}
	offset := int(d.at % PieceSize)
	if offset >= len(d.piece) {
		d.err = &Error{Kind: Internal, Cause: errShort}
		return 0, d.err
	}
	n := copy(p, d.piece[offset:])
	d.at += int64(n)
	return n, nil
}

// missing is the error for a piece that is not there: the Binary may have been deleted
// while it was read, and if not, it is not what it says it is.
func (d *BinaryReader) missing(err error) error {
	if KindOf(err) != NotFound {
		return err
	}
	if _, gone := d.from.Binary(d.ctx, d.of); gone != nil {
		return gone
	}
	return &Error{Kind: Internal, Cause: errShort}
}

// Seek implements io.Seeker.
func (d *BinaryReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += d.at
	case io.SeekEnd:
		offset += d.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the begin")
	}
	d.at = offset
	return offset, nil
}
