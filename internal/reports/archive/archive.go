// SPDX-License-Identifier: Apache-2.0

// Package archive writes the result of a report: a zip file with a header and one file for each
// group of data, in the layout of the reference service. It knows neither reports nor jobs.
// reports/catalog imports it.
package archive

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// ContentType is the content type of a Binary with an archive. It is the name that the reference
// service uses; the bytes are a zip file.
const ContentType = "application/gzip-json"

// Header is the first file of an archive.
type Header struct {
	Name string    // of the report, such as PatientsUsageReport
	Time time.Time // of the generation
	// Parameters is the Parameters resource of the order.
	Parameters json.RawMessage
}

// Writer writes an archive as a stream. It keeps only the current file in memory.
type Writer struct {
	zip    *zip.Writer
	folder string
	time   time.Time
}

// New starts an archive with its header.
func New(w io.Writer, h Header) (*Writer, error) {
	h.Time = h.Time.UTC()
	a := &Writer{zip: zip.NewWriter(w), folder: h.Name + h.Time.Format("_2006_01_02_15_04_05/"), time: h.Time}
	return a, a.file("ReportHeader", struct {
		Name       string          `json:"reportName"`
		Time       string          `json:"reportTime"`
		Parameters json.RawMessage `json:"parameters"`
	}{h.Name, h.Time.Format(time.RFC3339Nano), h.Parameters})
}

// Name returns the name of the folder in the archive that contains all files.
func (a *Writer) Name() string { return strings.TrimSuffix(a.folder, "/") }

// Group adds the file of one group. id identifies the group among those of its type; value is
// written as JSON.
func (a *Writer) Group(groupType, id string, value any) error {
	for _, name := range []string{groupType, id} {
		if name == "" || strings.ContainsAny(name, `/\`) || strings.Trim(name, ".") == "" {
			return fmt.Errorf("add to archive: %q is not a valid file name", name)
		}
	}
	return a.file(groupType+"/"+id, value)
}

// Close completes the archive. Without it the archive is not readable.
func (a *Writer) Close() error {
	if err := a.zip.Close(); err != nil {
		return fmt.Errorf("end archive: %w", err)
	}
	return nil
}

// The properties of the recorded archives: UTF-8 names, lengths after the data, made by MS-DOS
// for version 2.0, times without a zone, no extra fields (PKWARE APPNOTE, 4.4).
const (
	flagUTF8     = 0x800
	version20    = 20
	dosYearZero  = 1980
	dosMonthBits = 5
	dosYearBits  = 9
	dosMinBits   = 5
	dosHourBits  = 11
)

func (a *Writer) file(name string, value any) error {
	header := &zip.FileHeader{Name: a.folder + name, Method: zip.Deflate, Flags: flagUTF8, CreatorVersion: version20}
	// Setting Modified would add an extra field.
	header.ModifiedDate = uint16((a.time.Year()-dosYearZero)<<dosYearBits | int(a.time.Month())<<dosMonthBits | a.time.Day()) //nolint:gosec,staticcheck // a date of these years fits
	header.ModifiedTime = uint16(a.time.Hour()<<dosHourBits | a.time.Minute()<<dosMinBits | a.time.Second()/2)                //nolint:gosec,staticcheck // as above
	file, err := a.zip.CreateHeader(header)
	if err != nil {
		return fmt.Errorf("add to archive: %w", err)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("add to archive: %w", err)
	}
	if _, err := file.Write(bytes.TrimSuffix(text.Bytes(), []byte("\n"))); err != nil {
		return fmt.Errorf("add to archive: %w", err)
	}
	return nil
}
