// SPDX-License-Identifier: Apache-2.0

// Package ndjson reads episodes of care from a folder with a bulk export (FHIR Bulk Data
// Access): one resource per line, in files whose names contain EpisodeOfCare and end in .ndjson
// or .ndjson.gz, without regard to case. It knows no report; internal/app imports it.
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

// mostLine is the maximum length of a line in bytes. An EpisodeOfCare has one or two kilobytes.
const maxLine = 4 << 20

// Folder is a source of episodes.
type Folder struct {
	dir  string
	zone *time.Location
}

// New returns the source for a folder. zone is the time zone of dates without a time.
func New(dir string, zone *time.Location) *Folder { return &Folder{dir: dir, zone: zone} }

// Each implements episode.Source. A folder without episodes is an error and not a count of zero,
// because a failed export looks like that. A change of the files during the reading is an error
// too, because the result may mix two exports.
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
	// A file or folder that disappears is a change as well.
	if left, err := f.files(); err != nil || !slices.Equal(found, left) {
		return errors.New("the folder changed while it was read")
	}
	if !some {
		return fmt.Errorf("the exported files (%d) hold no episode of care", len(found))
	}
	return nil
}

// exported is a file with the properties that show a change.
type exported struct {
	name    string // with the path
	size    int64  // bytes
	changed int64  // nanoseconds since 1970
}

// files returns the exported files. Other files in the folder do not matter.
func (f *Folder) files() (found []exported, err error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, fmt.Errorf("look for exported files: %w", withoutPath(err))
	}
	for _, entry := range entries {
		name := entry.Name()
		// Exporters add numbers, times and other text before and after the type.
		lower := strings.ToLower(name)
		if !strings.Contains(lower, "episodeofcare") || !strings.HasSuffix(lower, ".ndjson") && !strings.HasSuffix(lower, ".ndjson.gz") {
			continue
		}
		path := filepath.Join(f.dir, name)
		info, err := os.Stat(path) // follows links
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", name, withoutPath(err))
		}
		found = append(found, exported{path, info.Size(), info.ModTime().UnixNano()})
	}
	if len(found) == 0 {
		return nil, errors.New("look for exported files: no file named *EpisodeOfCare*.ndjson or .ndjson.gz in the folder")
	}
	return found, nil // in the order of ReadDir
}

func (f *Folder) file(ctx context.Context, name string, decoder *source.Decoder, yield func(*episode.Episode) error) (err error) {
	short := filepath.Base(name)
	file, err := os.Open(name) //nolint:gosec // from the folder that an operator named
	if err != nil {
		return fmt.Errorf("open %s: %w", short, withoutPath(err))
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var text io.Reader = file
	if strings.HasSuffix(strings.ToLower(name), ".gz") {
		if text, err = gzip.NewReader(bufio.NewReader(file)); err != nil {
			return fmt.Errorf("read %s: %w", short, withoutPath(err))
		}
	}
	lines := bufio.NewScanner(text)
	const usual = 64 << 10
	lines.Buffer(make([]byte, usual), maxLine)
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
		return fmt.Errorf("read %s: %w", short, withoutPath(err))
	}
	return nil
}

// nameless removes the path of the folder from an error, because users read it.
func withoutPath(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err
	}
	return err
}

// errEnough stops the reading of a file.
var errEnough = errors.New("enough")

// Probe reads the first episode of each file. It returns the number of files, and the number of
// files with an episode.
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
