// SPDX-License-Identifier: Apache-2.0

// Package ndjson reads episodes of care from a folder of files as a bulk export writes
// them (FHIR Bulk Data Access): one resource a line, in files whose names have
// EpisodeOfCare in them and end in .ndjson or .ndjson.gz, in any letter case.
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
	"slices"
	"strings"
	"time"

	"reporting/internal/source"
	"reporting/internal/source/episode"
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

// Each implements episode.Source. A folder without episodes is an error and not a count
// of zero: an export that failed looks like that. So is a folder whose files change while
// they are read: what was told of them may be parts of two exports.
func (f *Folder) Each(ctx context.Context, yield func(*episode.Episode) error) error {
	found, err := f.files()
	if err != nil {
		return err
	}
	decoder := source.Decoder{Zone: f.zone}
	some := false
	for _, file := range found {
		if err := f.file(ctx, file.name, &decoder, func(e *episode.Episode) error {
			some = true
			return yield(e)
		}); err != nil {
			return err
		}
	}
	// Files that are gone, and a folder that is, are a change as well.
	if left, err := f.files(); err != nil || !slices.Equal(found, left) {
		return errors.New("the folder changed while it was read")
	}
	if !some {
		return fmt.Errorf("the exported files (%d) hold no episode of care", len(found))
	}
	return nil
}

// exported is a file, and what of it tells that it changed.
type exported struct {
	name    string // with its folder
	size    int64  // bytes
	changed int64  // nanoseconds since 1970
}

// files are those that count. What else is in the folder may come and go.
func (f *Folder) files() (found []exported, err error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, fmt.Errorf("look for exported files: %w", nameless(err))
	}
	for _, entry := range entries {
		name := entry.Name()
		// Exporters put numbers, times and other things before and after the type.
		lower := strings.ToLower(name)
		if !strings.Contains(lower, "episodeofcare") || !strings.HasSuffix(lower, ".ndjson") && !strings.HasSuffix(lower, ".ndjson.gz") {
			continue
		}
		path := filepath.Join(f.dir, name)
		info, err := os.Stat(path) // of the file that a link leads to
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", name, nameless(err))
		}
		found = append(found, exported{path, info.Size(), info.ModTime().UnixNano()})
	}
	if len(found) == 0 {
		return nil, errors.New("look for exported files: no file in the folder is called .ndjson or .ndjson.gz and after EpisodeOfCare")
	}
	return found, nil // in order, as ReadDir has them
}

func (f *Folder) file(ctx context.Context, name string, decoder *source.Decoder, yield func(*episode.Episode) error) (err error) {
	short := filepath.Base(name)
	file, err := os.Open(name) //nolint:gosec // from the folder that an operator named
	if err != nil {
		return fmt.Errorf("open %s: %w", short, nameless(err))
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var text io.Reader = file
	if strings.HasSuffix(strings.ToLower(name), ".gz") {
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
	found, err := f.files()
	if err != nil {
		return 0, 0, err
	}
	decoder := source.Decoder{Zone: f.zone}
	for _, file := range found {
		err := f.file(ctx, file.name, &decoder, func(*episode.Episode) error { return errEnough })
		if errors.Is(err, errEnough) {
			full++
		} else if err != nil {
			return len(found), full, err
		}
	}
	return len(found), full, nil
}
