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

// Options says where the server lives and how it behaves. The zero value is a throw-away server.
//
// A root process runs Postgres as another user (the owner of an existing cluster, else postgres, else nobody), who
// must be able to enter the given folders: testing.T.TempDir is closed to that user, a folder made with mode 0755
// directly below os.TempDir is not.
type Options struct {
	// DataDir keeps the cluster between starts, with full durability. It must be missing, empty or a cluster.
	// Empty: a temporary folder that disappears with the server.
	DataDir string
	// SocketDir is the folder of the unix socket, and of nothing else. Empty: a short private temporary folder.
	// Starts with the same SocketDir have the same URL.
	SocketDir string
	// BinDir holds initdb and postgres. Empty: $PG_BINDIR, then a search of the usual places, then a fetch.
	BinDir string
	// Settings are configuration parameters that win over ours, such as max_connections.
	Settings map[string]string
	// Log hears about fetches and sweeps, and at debug level what Postgres itself says. Nil: silent.
	Log *slog.Logger
}

// port only names the socket file: no server of ours listens on TCP, because everybody who can connect is superuser.
const port = "5432"

// reserved settings are what isolation and the proof that a server is ours rest on.
var reserved = []string{
	"cluster_name", "data_directory", "external_pid_file", "listen_addresses", "port",
	"unix_socket_directories", "unix_socket_group", "unix_socket_permissions",
}

// complete checks the options and makes paths absolute, since Postgres and its supervisor run in another folder.
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

// arguments is the command line of postgres behind the program's name.
func (o *Options) arguments(f *folders, nonce string) []string {
	settings := map[string]string{"shared_buffers": "64MB"}
	if o.DataDir == "" {
		// Nobody will read this cluster after a crash, so it needs neither syncs nor replication.
		maps.Copy(settings, map[string]string{
			"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
			"wal_level": "minimal", "max_wal_senders": "0",
		})
	}
	maps.Copy(settings, o.Settings)
	maps.Copy(settings, map[string]string{
		"cluster_name":            nonce,
		"listen_addresses":        "",
		"logging_collector":       "off", // or the reason of a failed start would go to a file
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
