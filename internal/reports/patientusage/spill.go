// SPDX-License-Identifier: Apache-2.0

package patientusage

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
)

// parts is the number of temporary files. Only one is in memory at a time, so ten million stays
// (half a gigabyte) need less than twenty megabytes.
const parts = 64

// spill stores stays in files, all stays of a patient in the same file. An exact count needs all
// stays of a patient together, and sources have no order.
type spill struct {
	seed   maphash.Seed
	files  [parts]*os.File
	out    [parts]*bufio.Writer
	record []byte
}

// newSpill creates files in dir; an empty dir means os.TempDir. The files have no names, so
// nothing is left when the process ends.
func newSpill(dir string) (s *spill, err error) {
	s = &spill{seed: maphash.MakeSeed()}
	for n := range parts {
		file, err := os.CreateTemp(dir, "reporting-usage-*")
		if err == nil {
			s.files[n] = file
			err = os.Remove(file.Name())
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("make a temporary file: %w", err), s.close())
		}
		const buffer = 16 << 10
		s.out[n] = bufio.NewWriterSize(file, buffer)
	}
	return s, nil
}

// add stores a stay: length and bytes of the patient, number of spans, and for each span its
// first day and the number of days after it.
func (s *spill) add(patient string, kept stay) error {
	b := binary.AppendUvarint(s.record[:0], uint64(len(patient)))
	b = append(b, patient...)
	b = binary.AppendUvarint(b, uint64(len(kept.active)))
	b = appendSpan(b, kept.whole)
	for _, active := range kept.active {
		b = appendSpan(b, active)
	}
	s.record = b
	if _, err := s.out[maphash.String(s.seed, patient)%parts].Write(b); err != nil {
		return fmt.Errorf("write a temporary file: %w", err)
	}
	return nil
}

func appendSpan(b []byte, s span) []byte {
	return binary.AppendUvarint(binary.AppendVarint(b, int64(s.first)), uint64(s.last-s.first)) //nolint:gosec // not before the first
}

// part reads a file into buffer, if it fits.
func (s *spill) part(n int, buffer []byte) ([]byte, error) {
	if err := s.out[n].Flush(); err != nil {
		return nil, fmt.Errorf("write a temporary file: %w", err)
	}
	size, err := s.files[n].Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("read a temporary file: %w", err)
	}
	if int64(cap(buffer)) < size {
		buffer = make([]byte, size)
	}
	buffer = buffer[:size]
	if _, err := s.files[n].ReadAt(buffer, 0); err != nil && size > 0 {
		return nil, fmt.Errorf("read a temporary file: %w", err)
	}
	return buffer, nil
}

// close deletes the files.
func (s *spill) close() error {
	var errs []error
	for _, file := range s.files {
		if file != nil {
			errs = append(errs, file.Close())
		}
	}
	return errors.Join(errs...)
}
