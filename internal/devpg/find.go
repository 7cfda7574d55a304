// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// oldest is the lowest major version that the migrations support.
const oldest = 13

// binaries is a folder of PostgreSQL programs that run on this machine.
type binaries struct {
	dir   string
	major int
}

// machine describes where to look for programs. Tests use artificial machines.
type machine struct {
	bindir string   // $PG_BINDIR
	path   string   // $PATH
	globs  []string // usual places of PostgreSQL
	cache  string   // fetched copies; empty: no folder is available
	goos   string
	goarch string
	user   *account
}

func thisMachine(user *account) machine {
	m := machine{
		bindir: os.Getenv("PG_BINDIR"),
		path:   os.Getenv("PATH"),
		globs: []string{
			"/usr/lib/postgresql/*/bin",
			"/usr/pgsql-*/bin",
			"/opt/homebrew/opt/postgresql@*/bin",
			"/usr/local/opt/postgresql@*/bin",
			"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
			"/Applications/Postgres.app/Contents/Versions/*/bin",
		},
		goos: runtime.GOOS, goarch: runtime.GOARCH, user: user,
	}
	if user != nil {
		m.cache = "/var/cache/reporting/postgres" // the account of Postgres cannot read root's cache folder
	} else if dir, err := os.UserCacheDir(); err == nil {
		m.cache = filepath.Join(dir, "reporting", "postgres")
	}
	return m
}

// locate finds or downloads programs. want is the major version; 0 means any.
func (m machine) locate(ctx context.Context, binDir string, want int, log *slog.Logger) (binaries, error) {
	bin, err := m.explicit(ctx, binDir)
	if err == nil && bin.dir == "" {
		if bin, err = m.search(ctx, want); errors.Is(err, errNone) {
			bin, err = m.fetch(ctx, log, err)
		}
	}
	if err != nil {
		return binaries{}, err
	}
	if want != 0 && bin.major != want {
		return binaries{}, fmt.Errorf("the data folder belongs to PostgreSQL %d, but the programs in %s are version %d: install PostgreSQL %d, set PG_BINDIR to its programs, or use another data folder", want, bin.dir, bin.major, want)
	}
	return bin, nil
}

// explicit returns the programs of the folder that the caller or PG_BINDIR names. Without such a
// folder it returns none.
func (m machine) explicit(ctx context.Context, binDir string) (binaries, error) {
	for _, choice := range []struct{ name, dir string }{{"BinDir", binDir}, {"PG_BINDIR", m.bindir}} {
		if choice.dir == "" {
			continue
		}
		bin, err := m.inspect(ctx, choice.dir)
		if err != nil {
			return binaries{}, fmt.Errorf("%s: %w", choice.name, err)
		}
		return bin, nil
	}
	return binaries{}, nil
}

// errNone means that no PostgreSQL programs were found.
var errNone = errors.New("no PostgreSQL programs found")

// search prefers PATH, then the newest of the usual folders, then fetched copies. When the
// wanted major version is missing, it returns another one.
func (m machine) search(ctx context.Context, want int) (binaries, error) {
	var other binaries
	reasons := []error{errNone}
	for _, dir := range m.candidates() {
		bin, err := m.inspect(ctx, dir)
		switch {
		case ctx.Err() != nil:
			return binaries{}, context.Cause(ctx)
		case err != nil:
			reasons = append(reasons, err)
		case want == 0 || bin.major == want:
			return bin, nil
		case other.dir == "":
			other = bin
		}
	}
	if other.dir != "" {
		return other, nil
	}
	return binaries{}, errors.Join(reasons...)
}

func (m machine) candidates() []string {
	var dirs []string
	for _, dir := range filepath.SplitList(m.path) {
		// Links in PATH lead to the folder with both programs and a share folder beside it.
		if target, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres")); err == nil {
			dirs = append(dirs, filepath.Dir(target))
		}
	}
	dirs = append(dirs, newestFirst(m.globs)...)
	if m.cache != "" {
		dirs = append(dirs, newestFirst(fetched(filepath.Join(m.cache, keptPrefix+"*")))...)
	}
	return slices.Compact(dirs)
}

var lastNumber = regexp.MustCompile(`(\d+)[.\d]*/bin$`)

// newestFirst sorts folders by the version in their names, as a number: 9.6 is older than 13.
func newestFirst(globs []string) []string {
	type hit struct {
		dir   string
		major int
	}
	var hits []hit
	for _, glob := range globs {
		dirs, _ := filepath.Glob(glob) // only a bad pattern is an error
		for _, dir := range dirs {
			major := 0
			if number := lastNumber.FindStringSubmatch(dir); number != nil {
				major, _ = strconv.Atoi(number[1])
			}
			hits = append(hits, hit{dir, major})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return b.major - a.major })
	dirs := make([]string, len(hits))
	for i, h := range hits {
		dirs[i] = h.dir
	}
	return dirs
}

var versionText = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// inspect checks that a folder has both programs and that they run for the account.
func (m machine) inspect(ctx context.Context, dir string) (binaries, error) {
	if err := m.user.reach(dir); err != nil {
		return binaries{}, err
	}
	for _, name := range []string{"initdb", "postgres"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return binaries{}, fmt.Errorf("folder %s has no program %s: it must hold both initdb and postgres", dir, name)
		}
	}
	bin := binaries{dir: dir}
	cmd := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version")
	cmd.Dir, cmd.Env, cmd.SysProcAttr = "/", minimalEnv(), m.user.attributes()
	if libs := bin.libraries(); libs != "" {
		cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+libs)
	}
	out, err := cmd.CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		return binaries{}, fmt.Errorf("run postgres in %s: %w: %s", dir, err, text)
	}
	number := versionText.FindStringSubmatch(text)
	if number == nil {
		return binaries{}, fmt.Errorf("folder %s: postgres --version says %q", dir, text)
	}
	if bin.major, err = strconv.Atoi(number[1]); err != nil || bin.major < oldest {
		return binaries{}, fmt.Errorf("folder %s has PostgreSQL %s, too old: at least %d is needed", dir, number[1], oldest)
	}
	return bin, nil
}

// libraries returns the LD_LIBRARY_PATH of a copy unpacked from Debian packages, which is any
// copy outside /usr. Other programs find their libraries themselves.
func (b binaries) libraries() string {
	root, ok := strings.CutSuffix(filepath.Dir(filepath.Dir(b.dir)), "/usr/lib/postgresql")
	if !ok || root == "" {
		return ""
	}
	var dirs []string
	for _, glob := range []string{"usr/lib/*-linux-gnu*", "lib/*-linux-gnu*"} {
		hits, _ := filepath.Glob(filepath.Join(root, glob)) // only a bad pattern is an error
		dirs = append(dirs, hits...)
	}
	return strings.Join(dirs, ":")
}
