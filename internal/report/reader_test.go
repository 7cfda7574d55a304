// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"reporting/internal/report"
)

// stored is a result in memory that counts how often it is read.
type stored struct {
	report.Binaries

	data  []byte
	reads []int
	err   error
	short bool // the last piece is missing
}

func (s *stored) Piece(_ context.Context, place report.BinaryKey, number int, buffer []byte) ([]byte, error) {
	if place != (report.BinaryKey{UserID: "u", ID: 7, Version: 2}) {
		return nil, errors.New("another result")
	}
	s.reads = append(s.reads, number)
	if s.err != nil {
		return buffer, s.err
	}
	begin := number * report.PieceSize
	end := min(begin+report.PieceSize, len(s.data))
	if s.short {
		end = min(end, len(s.data)-1)
	}
	return append(buffer, s.data[begin:end]...), nil
}

func newData(s *stored) *report.BinaryReader {
	return report.NewBinaryReader(context.Background(), s, report.Binary{ID: 7, Version: 2, UserID: "u", Size: int64(len(s.data))})
}

func filled(size int) []byte {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(data)
	return data
}

func TestData(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 1000, report.PieceSize - 1, report.PieceSize, report.PieceSize + 1, 3*report.PieceSize + 5} {
		s := &stored{data: filled(size)}
		if got, err := io.ReadAll(newData(s)); err != nil || !bytes.Equal(got, s.data) {
			t.Errorf("%d of %d bytes, %v", len(got), size, err)
		}
		if want := (size + report.PieceSize - 1) / report.PieceSize; len(s.reads) != want {
			t.Errorf("%d bytes: pieces %v were read, want each of %d once", size, s.reads, want)
		}
	}
	// Reading in all ways and from all places, as the standard library tests it.
	s := &stored{data: filled(report.PieceSize + 3000)}
	if err := iotest.TestReader(newData(s), s.data); err != nil {
		t.Error(err)
	}
}

func TestSeek(t *testing.T) {
	t.Parallel()
	s := &stored{data: filled(2*report.PieceSize + 100)}
	d := newData(s)
	size := int64(len(s.data))
	for _, tt := range []struct {
		offset int64
		whence int
		want   int64 // -1: refused
	}{
		{0, io.SeekEnd, size},
		{-1, io.SeekStart, -1},
		{-1, io.SeekEnd, size - 1},
		{report.PieceSize - 2, io.SeekStart, report.PieceSize - 2},
		{4, io.SeekCurrent, report.PieceSize + 10}, // after the eight bytes read
		{-size, io.SeekEnd, 0},
		{-9, io.SeekCurrent, -1},
		{10, io.SeekEnd, size + 10},
		{0, io.SeekStart, 0},
	} {
		at, err := d.Seek(tt.offset, tt.whence)
		if (err != nil) != (tt.want < 0) || err == nil && at != tt.want {
			t.Errorf("seek %d, %d: %d, %v, want %d", tt.offset, tt.whence, at, err, tt.want)
			continue
		}
		if err != nil {
			continue
		}
		var eight [8]byte
		n, err := io.ReadFull(d, eight[:])
		want := s.data[min(at, size):min(at+8, size)]
		if !bytes.Equal(eight[:n], want) || len(want) == 8 && err != nil {
			t.Errorf("at %d: %x, %v, want %x", at, eight[:n], err, want)
		}
	}
}

// Data that cannot be read breaks off with the cause, and never looks whole.
func TestDataThatCannotBeRead(t *testing.T) {
	t.Parallel()
	gone := &report.Error{Kind: report.Deleted}
	s := &stored{data: filled(report.PieceSize + 1)}
	d := newData(s)
	if d.Err() != nil {
		t.Errorf("%v before the first byte", d.Err())
	}
	if _, err := io.CopyN(io.Discard, d, report.PieceSize); err != nil {
		t.Fatal(err)
	}
	s.err = gone
	if n, err := io.Copy(io.Discard, d); n != 0 || !errors.Is(err, gone) || !errors.Is(d.Err(), gone) {
		t.Errorf("%d bytes, %v, %v", n, err, d.Err())
	}
	s = &stored{data: filled(report.PieceSize + 1), short: true}
	d = newData(s)
	if n, err := io.Copy(io.Discard, d); n != report.PieceSize || report.KindOf(err) != report.Internal || err == nil || d.Err() == nil {
		t.Errorf("%d bytes, %v, %v", n, err, d.Err())
	}
}
