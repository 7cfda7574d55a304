// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "reporting/"

// mayImport says which of our packages a package may import, outside tests. A
// package that is not listed may import none; a trailing /... covers a tree.
func mayImport() map[string][]string {
	const (
		report   = "internal/report"
		fhir     = "internal/fhir"
		fhirJSON = "internal/fhir/fhirjson"
		fhirXML  = "internal/fhir/fhirxml"
		auth     = "internal/auth"
		obs      = "internal/telemetry"
		rest     = "internal/httpapi"
		media    = "internal/httpapi/negotiation"
		postgres = "internal/postgres"
		embedded = "internal/devpg"
		doctor   = "internal/doctor"
		config   = "internal/config"
		trace    = "internal/telemetry/tracing"
		episode  = "internal/source/episode"
		source   = "internal/source"
		archive  = "internal/reports/archive"
		catalog  = "internal/reports/catalog"
		reports  = "internal/reports"
		work     = "internal/worker"
		queue    = "internal/worker/queue"
	)
	return map[string][]string{
		report:                         {},
		config:                         {},
		obs:                            {report},
		embedded:                       {},
		doctor:                         {},
		trace:                          {report},
		"internal/telemetry/tracetest": {},
		"migrations":                   {},
		"api":                          {},
		"internal/conformance":         {}, // tests only
		auth:                           {report, doctor},
		auth + "/authtest":             {},
		fhirJSON:                       {},
		fhirXML:                        {fhirJSON},
		fhir:                           {report, fhirJSON, fhirXML},
		postgres:                       {report, doctor, queue, "migrations", postgres + "/coalesce"},
		postgres + "/coalesce":         {report},
		postgres + "/pgtest":           {report, postgres, embedded},
		media:                          {fhir},
		rest:                           {report, fhir, fhirJSON, auth, obs, trace, media},
		rest + "/jobstatus":            {report, fhir, auth, obs, rest},
		rest + "/orders":               {report, fhir, auth, obs, rest, media, rest + "/binary", catalog},
		rest + "/binary":               {report, fhir, auth, obs, rest, media},
		rest + "/metadata":             {fhir, rest, media},
		rest + "/httpapitest":          {auth, obs, rest},
		episode:                        {},
		source:                         {episode},
		source + "/fhirsearch":         {episode, source},
		source + "/ndjson":             {episode, source},
		source + "/synthetic":          {episode},
		archive:                        {},
		catalog:                        {report, fhir, archive},
		reports:                        {catalog, episode, reports + "/demo", reports + "/patientusage"},
		reports + "/demo":              {report, fhir, catalog},
		reports + "/patientusage":      {report, catalog, episode},
		work:                           {report, catalog},
		queue:                          {report},
		"internal/app": {
			report, fhir, auth, obs, trace, rest, rest + "/jobstatus", rest + "/orders", rest + "/binary", rest + "/metadata", postgres, embedded, config, doctor,
			episode, source + "/fhirsearch", source + "/ndjson", source + "/synthetic", catalog, reports, work, queue,
		},
		"cmd/reporting": {"internal/app", config},
	}
}

// mayImportOthers limits who may use a library that stands for a technology.
func mayImportOthers() map[string][]string {
	return map[string][]string{
		"github.com/jackc/":          {"internal/postgres", "internal/postgres/coalesce", "internal/postgres/pgtest", "internal/devpg", "internal/worker/queue"}, // SQL
		"database/sql":               {"internal/postgres"},
		"github.com/pressly/":        {"internal/postgres"},
		"github.com/go-chi/":         {"internal/httpapi"}, // routes
		"github.com/golang-jwt/":     {"internal/auth", "internal/auth/authtest"},
		"github.com/MicahParks/":     {"internal/auth", "internal/auth/authtest"},
		"github.com/prometheus/":     {"internal/telemetry", "internal/postgres", "internal/auth"},
		"github.com/alecthomas/kong": {"cmd/reporting"},
		"github.com/go-logr/":        {"internal/telemetry/tracing"}, // the logger of the SDK
		"go.opentelemetry.io/":       {"internal/telemetry/tracing", "internal/telemetry/tracetest"},
		"google.golang.org/":         {"internal/telemetry/tracing", "internal/telemetry/tracetest"}, // protobuf
		"github.com/riverqueue/":     {"internal/worker/queue"},
		"golang.org/x/oauth2":        {"internal/source/fhirsearch", "internal/app"},
		"github.com/samply/": {
			"internal/fhir", "internal/fhir/fhirjson", "internal/httpapi", "internal/httpapi/jobstatus", "internal/httpapi/orders", "internal/httpapi/binary", "internal/httpapi/metadata",
		},
		"github.com/go-json-experiment/": {"internal/auth", "internal/fhir/fhirjson", "internal/source", "internal/source/fhirsearch"}, // JSON, strictly
	}
}

type goPackage struct {
	ImportPath, Dir, Doc  string
	Standard              bool
	Imports, XTestGoFiles []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,Doc,Imports,XTestGoFiles", "./...")
	command.Dir = root(t)
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestImportRules(t *testing.T) {
	t.Parallel()
	rules, others := mayImport(), mayImportOthers()
	list := packages(t)
	if len(list) < len(rules) {
		t.Errorf("go list finds %d packages, the rules name %d", len(list), len(rules))
	}
	for _, p := range list {
		name := strings.TrimPrefix(p.ImportPath, module)
		allowed, known := rules[name]
		if !known {
			t.Errorf("%s has no import rule: add one, and keep data flowing one way", name)
		}
		for _, imported := range p.Imports {
			if ours, ok := strings.CutPrefix(imported, module); ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s, which it may not", name, ours)
			}
			for prefix, users := range others {
				if strings.HasPrefix(imported, prefix) && !slices.Contains(users, name) {
					t.Errorf("%s imports %s, which is for %v", name, imported, users)
				}
			}
			if name == "internal/report" && strings.Contains(imported, ".") {
				t.Errorf("the domain imports %s", imported)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// Files stay small enough to be read in one sitting, and carry their licence.
func TestFiles(t *testing.T) {
	t.Parallel()
	const limit = 500
	seen := 0
	err := filepath.WalkDir(root(t), func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != root(t) {
			return filepath.SkipDir
		}
		if entry.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen++
		if lines := bytes.Count(text, []byte("\n")); lines > limit {
			t.Errorf("%s has %d lines, more than %d", path, lines, limit)
		}
		if !bytes.HasPrefix(text, []byte("// SPDX-License-Identifier: Apache-2.0\n\n")) {
			t.Errorf("%s does not begin with its licence", path)
		}
		return nil
	})
	if err != nil || seen == 0 {
		t.Errorf("%d files: %v", seen, err)
	}
}
