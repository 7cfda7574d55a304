// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"encoding/binary"
	"time"

	"reporting/internal/postgres/coalesce"
	"reporting/internal/report"
)

// The columns of a job, in the order of the statements. Ids and times are in binary format,
// which costs the server and this program less than text.
const (
	columnID = iota
	columnReportClass
	columnUserID
	columnStatus
	columnBinaryReference
	columnParameters
	columnCreated
	columnStarted
	columnEnded
	columnFailureReason
	columnCount
)

var jobFormats = []int16{
	columnID: binaryFormat, columnCreated: binaryFormat, columnStarted: binaryFormat, columnEnded: binaryFormat,
	columnFailureReason: textFormat,
}

// epoch is the zero of timestamptz, 2000-01-01 UTC, in microseconds since 1970.
const epoch = 946_684_800_000_000

// decode overwrites job with a row. Its Parameters point into the row, which is overwritten
// by the next one.
func decode(row [][]byte, job *report.Job) error {
	if len(row) != columnCount || len(row[columnID]) != len(job.ID) {
		return coalesce.ErrColumns
	}
	copy(job.ID[:], row[columnID])
	// Strings that repeat from row to row are not allocated again.
	job.ReportClass = text(job.ReportClass, row[columnReportClass])
	job.UserID = text(job.UserID, row[columnUserID])
	job.Status = report.Status(text(string(job.Status), row[columnStatus]))
	job.BinaryReference = text(job.BinaryReference, row[columnBinaryReference])
	job.Parameters = row[columnParameters]
	job.FailureReason = text(job.FailureReason, row[columnFailureReason])
	for _, t := range []struct {
		column int
		to     *time.Time
	}{{columnCreated, &job.Created}, {columnStarted, &job.Started}, {columnEnded, &job.Ended}} {
		var err error
		if *t.to, err = timeOf(row[t.column]); err != nil {
			return err
		}
	}
	return nil
}

// text returns the text of a column, and the one before it if they are equal. Null is empty.
func text(before string, column []byte) string {
	if before == string(column) {
		return before
	}
	return string(column)
}

// timeOf returns the time of a column. Null is the zero time.
func timeOf(column []byte) (time.Time, error) {
	switch len(column) {
	case 0:
		return time.Time{}, nil
	case 8:
		return time.UnixMicro(int64(binary.BigEndian.Uint64(column)) + epoch).UTC(), nil //nolint:gosec // the server sends two's complement
	}
	return time.Time{}, coalesce.ErrColumns
}
