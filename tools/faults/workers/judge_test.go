// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/zip"
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// at makes a change so many seconds after the begin.
func at(second int, job, was, became, who string) change {
	return change{Job: job, Was: was, Became: became, Who: who, At: begin.Add(time.Duration(second) * time.Second)}
}

// life is that of a job whose first worker was killed.
func life() []change {
	return []change{
		at(0, "1", "", queued, "serve"), at(1, "1", queued, running, "a"), at(17, "1", running, queued, "b"),
		at(18, "1", queued, running, "b"), at(19, "1", running, done, "b"),
	}
}

func TestJobsEndOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		more []change
		want string // in the problem; empty: there is none
	}{
		"as it should be":       {nil, ""},
		"ended twice":           {[]change{at(20, "1", done, done, "a")}, "ended 2 times"},
		"left a final state":    {[]change{at(20, "1", done, running, "a")}, "was DONE and became RUNNING"},
		"another never ended":   {[]change{at(20, "2", "", queued, "serve")}, "job 2 ended 0 times"},
		"another was cancelled": {[]change{at(20, "2", "", queued, "serve"), at(21, "2", queued, cancelled, "serve")}, ""},
	} {
		got := strings.Join(judgeChanges(append(life(), c.more...)), "; ")
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestTakeUps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kill kill
		want []takeUp
	}{
		"while it was at the job":    {kill{"a", begin.Add(2 * time.Second)}, []takeUp{{15 * time.Second, 16 * time.Second}}},
		"before it was":              {kill{"a", begin}, nil},
		"when nobody was":            {kill{"a", begin.Add(17*time.Second + 1)}, nil},
		"another worker":             {kill{"b", begin.Add(2 * time.Second)}, nil},
		"when the job was another's": {kill{"a", begin.Add(18*time.Second + 1)}, nil},
		"after its end":              {kill{"b", begin.Add(30 * time.Second)}, nil},
	} {
		if got := takeUps(life(), []kill{c.kill}); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// A job that was not begun again has failed, for one.
func TestTakeUpsThatEnd(t *testing.T) {
	t.Parallel()
	list := slices.Concat(life()[:2], []change{at(17, "1", running, failed, "b")})
	if got := takeUps(list, []kill{{"a", begin.Add(2 * time.Second)}}); !slices.Equal(got, []takeUp{{}}) {
		t.Errorf("%v", got)
	}
}

// packed is a result with these files.
func packed(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for n := 0; n < len(files); n += 2 {
		file, err := w.Create("Folder/" + files[n])
		if err == nil {
			_, err = file.Write([]byte(files[n+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadReport(t *testing.T) {
	t.Parallel()
	const header, summary = "ReportHeader", "PatientsUsageSummary/PatientsUsageSummary"
	right := `{"reportName":"PatientsUsageReport","parameters":` + wanted + `}`
	good := packed(t, header, right, summary, "{}")
	if err := readReport(good); err != nil {
		t.Error(err)
	}
	for name, data := range map[string][]byte{
		"a placeholder":     []byte("*NOT GENERATED YET*"),
		"half of it":        good[:len(good)/2],
		"no header":         packed(t, summary, "{}"),
		"no summary":        packed(t, header, right),
		"another's request": packed(t, header, `{"reportName":"PatientsUsageReport","parameters":{}}`, summary, "{}"),
		"another report":    packed(t, header, strings.Replace(right, "Usage", "Age", 1), summary, "{}"),
	} {
		if readReport(data) == nil {
			t.Errorf("%s is taken for the report", name)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	o, err := readOptions([]string{"-program", "x", "-quick"})
	if err != nil || o.jobs != quickJobs || o.kills != quickKills {
		t.Errorf("%+v, %v", o, err)
	}
	for _, p := range parts() {
		if o.wants(p) == p.slow {
			t.Errorf("quick and %s: %v", p.name, o.wants(p))
		}
	}
	for _, args := range [][]string{{}, {"-program", "x", "y"}, {"-program", "x", "-only", "no"}} {
		if _, err := readOptions(args); err == nil {
			t.Errorf("%q passes", args)
		}
	}
}
