// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"reporting/internal/fhir"
	"reporting/internal/report"
	"reporting/internal/reports/archive"
)

// Request is an order as Make needs it.
type Request struct {
	Parameters []byte    // the Parameters resource of the order, as JSON
	Time       time.Time // of the generation
	Progress   func(string)
}

// Make generates a report into a file without a name, so that nothing is left behind however the
// process ends. Close the file after use.
func (r *Report) Make(ctx context.Context, w Request) (file *os.File, result report.Result, err error) {
	task, err := r.task(w)
	if err != nil {
		return nil, result, err
	}
	file, err = os.CreateTemp("", "reporting-result-")
	if err != nil {
		return nil, result, fmt.Errorf("make %s: %w", r.Name, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
			file = nil
		}
	}()
	if err := os.Remove(file.Name()); err != nil {
		return file, result, fmt.Errorf("make %s: %w", r.Name, err)
	}
	out, err := archive.New(file, archive.Header{Name: r.ReportName, Time: w.Time, Parameters: w.Parameters})
	if err != nil {
		return file, result, err
	}
	if err := r.Generate(ctx, task, out); err != nil {
		return file, result, fmt.Errorf("make %s: %w", r.Name, err)
	}
	if err := out.Close(); err != nil {
		return file, result, err
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return file, result, fmt.Errorf("make %s: %w", r.Name, err)
	}
	return file, report.Result{ContentType: archive.ContentType, FileName: out.Name() + ".zip", Size: size, Data: file}, nil
}

// task reads the inputs of a stored order, which were checked before.
func (r *Report) task(w Request) (Task, error) {
	given, issues := fhir.ReadParameters(w.Parameters, fhir.JSON)
	if len(issues) > 0 {
		return Task{}, &report.Failure{Reason: "The inputs of the order cannot be read", Permanent: true}
	}
	task := Task{Time: w.Time, Progress: w.Progress}
	if task.Progress == nil {
		task.Progress = func(string) {}
	}
	for _, p := range r.Inputs() {
		for _, input := range given {
			switch {
			case input.Name != p.Name:
			case p.Name == Anonymization:
				task.Anonymized, _ = ReadAnonymization(input.Value.Text)
			default:
				task.Inputs = append(task.Inputs, input)
			}
		}
	}
	return task, nil
}
