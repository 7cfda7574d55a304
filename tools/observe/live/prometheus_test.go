// SPDX-License-Identifier: Apache-2.0

package live_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tool finds a program of Prometheus on the path, or where "make observe" unpacks it.
func tool(t *testing.T, name string) string {
	t.Helper()
	if found, err := exec.LookPath(name); err == nil {
		return found
	}
	unpacked, err := filepath.Abs(filepath.Join(root, ".bin/prometheus/usr/bin", name))
	if err == nil {
		_, err = os.Stat(unpacked)
	}
	if err != nil {
		t.Fatalf("%s is needed, 2.42 or later, and is not on the path. \"make observe\" unpacks it on Debian and Ubuntu; "+
			"elsewhere install Prometheus (macOS: brew install prometheus)", name)
	}
	return unpacked
}

// prometheus is a server that scrapes and evaluates the rules every second.
type prometheus struct {
	base  string
	began time.Time
}

const settings = `
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs:
  - job_name: reporting
    static_configs: [{targets: [%s]}]
`

// listening matches the log line that has the port.
var listening = regexp.MustCompile(`msg="?Listening on"? address=(\S+)`)

func startPrometheus(t *testing.T, dir string, targets ...string) *prometheus {
	t.Helper()
	rulesFile, err := filepath.Abs(rulesPath)
	if err != nil {
		t.Fatal(err)
	}
	quoted := make([]string, len(targets))
	for n, target := range targets {
		quoted[n] = strconv.Quote(target)
	}
	config := filepath.Join(dir, "prometheus.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, settings, rulesFile, strings.Join(quoted, ", ")), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(tool(t, "prometheus"), "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"),
		"--web.listen-address=127.0.0.1:0", "--log.level=info")
	cmd.SysProcAttr = diesWithUs()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start Prometheus: %v", err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	})
	lines := bufio.NewScanner(stderr)
	var log strings.Builder
	for lines.Scan() {
		log.WriteString(lines.Text() + "\n")
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			go func() {
				_, _ = io.Copy(io.Discard, stderr)
				_ = cmd.Wait() // it ends by SIGTERM
				close(ended)
			}()
			return &prometheus{base: "http://" + strings.Trim(found[1], `"`), began: time.Now()}
		}
	}
	err = cmd.Wait()
	close(ended)
	t.Fatalf("Prometheus ended (%v):\n%s", err, &log)
	return nil
}

// ask calls the HTTP API and decodes the member "data".
func (p *prometheus) ask(ctx context.Context, path string, query url.Values, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	var envelope struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(answer.Body).Decode(&envelope); err != nil {
		return fmt.Errorf("status %d: %w", answer.StatusCode, err)
	}
	if envelope.Status != "success" {
		return fmt.Errorf("status %d: %s", answer.StatusCode, envelope.Error)
	}
	return json.Unmarshal(envelope.Data, into)
}

// series is a series in the result of a range query or of an instant query.
type series struct {
	Metric map[string]string
	Values [][2]any // of a range query
	Value  [2]any   // of an instant query
}

// numbers returns the values without their times.
func (s series) numbers() []float64 {
	all := s.Values
	if all == nil {
		all = [][2]any{s.Value}
	}
	list := make([]float64, 0, len(all))
	for _, pair := range all {
		text, _ := pair[1].(string)
		if value, err := strconv.ParseFloat(text, 64); err == nil {
			list = append(list, value)
		}
	}
	return list
}

func (p *prometheus) now(ctx context.Context, expr string) ([]series, error) {
	var data struct{ Result []series }
	err := p.ask(ctx, "/api/v1/query", url.Values{"query": {expr}}, &data)
	return data.Result, err
}

func (p *prometheus) whole(ctx context.Context, expr string) ([]series, error) {
	var data struct{ Result []series }
	err := p.ask(ctx, "/api/v1/query_range", url.Values{
		"query": {expr}, "step": {"1"},
		"start": {strconv.FormatInt(p.began.Unix(), 10)}, "end": {strconv.FormatInt(time.Now().Unix(), 10)},
	}, &data)
	return data.Result, err
}
