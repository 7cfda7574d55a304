// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"encoding/binary"
	"errors"
	"time"

	"reporting/internal/report"
)

// The columns of a job, in the order of the statements. Ids and times come as numbers,
// which are quicker to make for the server and to read here than text.
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

var errColumns = errors.New("the database answered with other columns than were asked for")

// decode overwrites job with a row. Its Parameters lie in the row, which is gone when
// the next one is read.
func decode(row [][]byte, job *report.Job) error {
	if len(row) != columnCount || len(row[columnID]) != len(job.ID) {
		return errColumns
	}
	copy(job.ID[:], row[columnID])
	// What repeats from row to row is kept and not made anew.
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
		if *t.to, err = moment(row[t.column]); err != nil {
			return err
		}
	}
	return nil
}

// text is the text of a column; null is empty.
func text(before string, column []byte) string {
	if before == string(column) {
		return before
	}
	return string(column)
}

// moment is the time of a column; null is the zero time.
func moment(column []byte) (time.Time, error) {
	switch len(column) {
	case 0:
		return time.Time{}, nil
	case 8:
		return time.UnixMicro(int64(binary.BigEndian.Uint64(column)) + epoch).UTC(), nil //nolint:gosec // two's complement is what was sent
	}
	return time.Time{}, errColumns
}
