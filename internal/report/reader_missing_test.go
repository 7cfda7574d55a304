// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"context"
	"io"
	"testing"

	"reporting/internal/report"
)

// pieceless has a Binary, or had one, and none of its pieces.
type pieceless struct {
	report.Binaries

	told error
}

func (p pieceless) Binary(context.Context, report.BinaryKey) (report.Binary, error) {
	return report.Binary{}, p.told
}

func (pieceless) Piece(_ context.Context, _ report.BinaryKey, _ int, buffer []byte) ([]byte, error) {
	return buffer, &report.Error{Kind: report.NotFound}
}

// A missing piece is an internal error, unless the Binary was just deleted.
func TestDataMissing(t *testing.T) {
	t.Parallel()
	for told, want := range map[error]report.Kind{
		nil:                                     report.Internal,
		&report.Error{Kind: report.Deleted}:     report.Deleted,
		&report.Error{Kind: report.Unavailable}: report.Unavailable,
	} {
		data := report.NewBinaryReader(t.Context(), pieceless{told: told}, report.Binary{ID: 1, Version: 2, Size: 9})
		if _, err := io.ReadAll(data); err == nil || report.KindOf(err) != want || report.KindOf(data.Err()) != want {
			t.Errorf("%v: %v, %v", told, err, data.Err())
		}
	}
}
