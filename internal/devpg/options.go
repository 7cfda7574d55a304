// SPDX-License-Identifier: Apache-2.0

//go:build unix

package devpg

import (
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// Options configure a server. The zero value means a temporary one.
//
// A root process runs Postgres as another user: the owner of an existing cluster, else postgres,
// else nobody. That user must be able to enter the given folders. It cannot enter
// testing.T.TempDir, but it can enter a folder of mode 0755 directly below os.TempDir.
type Options struct {
	// DataDir keeps the cluster between starts, with full durability. The folder must be
	// missing, empty or a cluster. Empty means a temporary folder.
	DataDir string
	// SocketDir is the folder of the unix socket and contains nothing else. Empty means a short
	// temporary folder. Starts with the same SocketDir have the same URL.
	SocketDir string
	// BinDir contains initdb and postgres. Empty means $PG_BINDIR, then the usual folders, then
	// a download.
	BinDir string
	// Settings are configuration parameters that override the defaults, such as max_connections.
	Settings map[string]string
	// Log receives downloads and sweeps, and at debug level the output of Postgres. Nil means
	// silent.
	Log *slog.Logger
}

// port is only a part of the socket's name. The server does not listen on TCP, because every
// client that connects is a superuser.
const port = "5432"

// reserved are the settings that isolate the server and identify it as ours.
var reserved = []string{
	"cluster_name", "data_directory", "external_pid_file", "listen_addresses", "port",
	"unix_socket_directories", "unix_socket_group", "unix_socket_permissions",
}

// complete checks the options and makes paths absolute, because Postgres and its supervisor run
// in another folder.
func (o *Options) complete() error {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Settings)) {
		// Postgres reads a dash in a parameter name as an underscore, and ignores case.
		if slices.Contains(reserved, strings.ToLower(strings.ReplaceAll(name, "-", "_"))) {
			return fmt.Errorf("setting %s is fixed: the server is private to this process", name)
		}
	}
	for _, dir := range []*string{&o.DataDir, &o.SocketDir, &o.BinDir} {
		if *dir == "" {
			continue
		}
		abs, err := filepath.Abs(*dir)
		if err != nil {
			return fmt.Errorf("resolve folder %s: %w", *dir, err)
		}
		*dir = abs
	}
	return nil
}

// arguments returns the arguments of postgres.
func (o *Options) arguments(f *folders, nonce string) []string {
	settings := map[string]string{"shared_buffers": "64MB"}
	if o.DataDir == "" {
		// A temporary cluster is never recovered, so it needs neither syncs nor replication.
		maps.Copy(settings, map[string]string{
			"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
			"wal_level": "minimal", "max_wal_senders": "0",
		})
	}
	maps.Copy(settings, o.Settings)
	maps.Copy(settings, map[string]string{
		"cluster_name":            nonce,
		"listen_addresses":        "",
		"logging_collector":       "off", // otherwise the reason of a failed start goes to a file
		"port":                    port,
		"unix_socket_directories": `"` + strings.ReplaceAll(f.socket, `"`, `""`) + `"`, // a list of names, blanks trimmed
		"unix_socket_permissions": "0700",
	})
	args := []string{"-D", f.data}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}
