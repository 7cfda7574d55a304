// SPDX-License-Identifier: Apache-2.0

package live_test

import (
	"os"
	"path/filepath"
	"testing"

	"reporting/internal/auth/authtest"
	"reporting/internal/devpg"
	"reporting/internal/postgres/pgtest"
	"reporting/tools/bench/stage"
)

// scene holds all servers and processes of the test.
type scene struct {
	dir      string
	program  string
	primary  *devpg.Server
	standby  *devpg.Server
	issuer   *authtest.IDP
	roomy    *stage.Service // with production settings and a replica
	narrow   *stage.Service // with low limits, and an audit log that fails
	recorder *prometheus
	source   *source // with the data of reports

	workerAddrs []string // operations listeners of the workers
	workers     []*stage.Service
}

func setUp(t *testing.T) *scene {
	t.Helper()
	program, err := filepath.Abs(filepath.Join(root, ".bin/reporting"))
	if err == nil {
		_, err = os.Stat(program)
	}
	if err != nil {
		t.Fatalf("the program is not built (run \"make observe\"): %v", err)
	}
	s := &scene{dir: pgtest.Dir(t), program: program, issuer: authtest.New(t), source: startSource(t)}
	for range 2 {
		addr, err := stage.FreeAddr()
		if err != nil {
			t.Fatal(err)
		}
		s.workerAddrs = append(s.workerAddrs, addr)
	}
	s.startDatabases(t)
	reader, replica := readerOf(s.primary), readerOf(s.standby)
	start := func(name, database string, more ...string) *stage.Service {
		more = append(more, "REPORTING_JOB_METRICS_INTERVAL=1s", "GOMEMLIMIT=256MiB")
		service, err := stage.StartService(t.Context(), program, s.folder(t, name), database, s.issuer.Issuer(), more...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := service.Stop(); err != nil {
				t.Errorf("stop the service: %v", err)
			}
		})
		return service
	}
	s.roomy = start("roomy", reader, "REPORTING_DATABASE_REPLICA_URL="+replica, "REPORTING_SOURCE="+s.source.URL, "REPORTING_WORKERS=0")
	s.narrow = start("narrow", reader+"&pool_max_conns=2", "REPORTING_MAX_CONCURRENT=8", "REPORTING_STATEMENT_TIMEOUT=2s",
		"REPORTING_USER_RATE=5", "REPORTING_MAX_CONNECTIONS=64", "REPORTING_AUDIT_LOG=/dev/full")
	s.recorder = startPrometheus(t, s.dir, append([]string{s.roomy.OpsAddr, s.narrow.OpsAddr}, s.workerAddrs...)...)
	return s
}

// folder creates a folder for the files of a process.
func (s *scene) folder(t *testing.T, name string) string {
	t.Helper()
	folder := filepath.Join(s.dir, name)
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}
