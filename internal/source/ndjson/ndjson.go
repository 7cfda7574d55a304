// SPDX-License-Identifier: Apache-2.0

// Package ndjson reads episodes of care from a folder of files as a bulk export writes
// them (FHIR Bulk Data Access): one resource a line, in files whose names begin with
// EpisodeOfCare and end in .ndjson, or .ndjson.gz.
//
// internal/app imports it.
package ndjson

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"reporting/internal/episode"
	"reporting/internal/source"
)

// mostLine is how long a line may be: an EpisodeOfCare has one kilobyte or two.
const mostLine = 4 << 20

// Folder is a source of episodes.
type Folder struct {
	dir  string
	zone *time.Location
}

// New returns the source in dir. Dates without a time are days of zone.
func New(dir string, zone *time.Location) *Folder { return &Folder{dir: dir, zone: zone} }

// Each implements episode.Source. An empty folder is an error and not a count of zero:
// an export that failed looks like that.
func (f *Folder) Each(ctx context.Context, yield func(*episode.Episode) error) error {
	names, err := f.files()
	if err != nil {
		return err
	}
	decoder := source.Decoder{Zone: f.zone}
	for _, name := range names {
		if err := f.file(ctx, name, &decoder, yield); err != nil {
			return err
		}
	}
	return nil
}

func (f *Folder) files() (names []string, err error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, fmt.Errorf("look for exported files: %w", nameless(err))
	}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, "EpisodeOfCare") && (strings.HasSuffix(name, ".ndjson") || strings.HasSuffix(name, ".ndjson.gz")) {
			names = append(names, filepath.Join(f.dir, name))
		}
	}
	if len(names) == 0 {
		return nil, errors.New("look for exported files: there is no EpisodeOfCare*.ndjson in the folder")
	}
	return names, nil // in order, as ReadDir has them
}

func (f *Folder) file(ctx context.Context, name string, decoder *source.Decoder, yield func(*episode.Episode) error) (err error) {
	short := filepath.Base(name)
	file, err := os.Open(name) //nolint:gosec // from the folder that an operator named
	if err != nil {
		return fmt.Errorf("open %s: %w", short, nameless(err))
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var text io.Reader = file
	if strings.HasSuffix(name, ".gz") {
		if text, err = gzip.NewReader(bufio.NewReader(file)); err != nil {
			return fmt.Errorf("read %s: %w", short, nameless(err))
		}
	}
	lines := bufio.NewScanner(text)
	const usual = 64 << 10
	lines.Buffer(make([]byte, usual), mostLine)
	var e episode.Episode
	for number := 1; lines.Scan(); number++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		if err := decoder.Decode(line, &e); err != nil {
			return fmt.Errorf("%s, line %d: %w", short, number, err)
		}
		if err := yield(&e); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read %s: %w", short, nameless(err))
	}
	return nil
}

// nameless is err without the path of the folder: users read it.
func nameless(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err
	}
	return err
}

// errEnough ends the reading of a file.
var errEnough = errors.New("enough")

// Probe reads the first episode of each file. It returns how many files there are, and
// how many of them hold one.
func (f *Folder) Probe(ctx context.Context) (files, full int, err error) {
	names, err := f.files()
	if err != nil {
		return 0, 0, err
	}
	decoder := source.Decoder{Zone: f.zone}
	for _, name := range names {
		err := f.file(ctx, name, &decoder, func(*episode.Episode) error { return errEnough })
		if errors.Is(err, errEnough) {
			full++
		} else if err != nil {
			return len(names), full, err
		}
	}
	return len(names), full, nil
}
