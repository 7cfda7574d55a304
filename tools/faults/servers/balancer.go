// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Balancer is HAProxy before some instances. It asks each for its readiness, and sends a
// call to another one where a connection could not be made or died without an answer:
// the operation only reads, so asking twice does no harm.
//
// It is the real one, because what it makes of instances that come and go is the point.
type Balancer struct {
	Addr    string
	stats   string
	members int
	process *process
}

const balancerConfig = `
global
  maxconn 500
  nbthread 1
  # The measuring client expects names of headers as Go writes them.
  h1-case-adjust content-length Content-Length
  h1-case-adjust transfer-encoding Transfer-Encoding
  h1-case-adjust retry-after Retry-After
  h1-case-adjust connection Connection
defaults
  mode http
  timeout connect 1s
  timeout client 20s
  timeout server 20s
  timeout check 1s
  retries 3
  option redispatch 1
  retry-on conn-failure empty-response
frontend api
  bind %s
  option h1-case-adjust-bogus-client
  default_backend instances
frontend stats
  bind %s
  stats enable
  stats uri /
backend instances
  balance roundrobin
  option httpchk GET /readyz
  http-check expect status 200
  default-server check inter 200ms fall 1 rise 1
`

// NewBalancer starts one, with its configuration in dir, and waits until all instances
// take part.
func NewBalancer(ctx context.Context, dir string, instances []*Service) (*Balancer, error) {
	program, err := find("haproxy", "haproxy")
	if err != nil {
		return nil, err
	}
	api, err := FreePort()
	if err != nil {
		return nil, err
	}
	stats, err := FreePort()
	if err != nil {
		return nil, err
	}
	b := &Balancer{Addr: addr(api), stats: addr(stats), members: len(instances)}
	var text strings.Builder
	fmt.Fprintf(&text, balancerConfig, b.Addr, b.stats)
	for n, instance := range instances {
		_, port, _ := strings.Cut(instance.OpsAddr, ":")
		fmt.Fprintf(&text, "  server instance-%d %s port %s\n", n, instance.Addr, port)
	}
	path := filepath.Join(dir, "haproxy-"+strconv.Itoa(api)+".cfg")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		return nil, fmt.Errorf("configure haproxy: %w", err)
	}
	cmd := exec.Command(program, "-db", "-f", path) //nolint:noctx,gosec // HAProxy; it ends when it is told to
	if b.process, err = begin("haproxy", cmd, syscall.SIGTERM); err != nil {
		return nil, err
	}
	if err := b.AwaitAll(ctx); err != nil {
		_ = b.Stop()
		return nil, err
	}
	return b, nil
}

// AwaitAll waits until all instances take part.
func (b *Balancer) AwaitAll(ctx context.Context) error {
	return b.process.await(ctx, func(ctx context.Context) error {
		up, err := b.up(ctx)
		if err == nil && up != b.members {
			err = fmt.Errorf("it has %d of %d instances", up, b.members)
		}
		return err
	})
}

// up is how many instances take part.
func (b *Balancer) up(ctx context.Context) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.stats+"/;csv", nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, fmt.Errorf("ask haproxy: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	lines, err := csv.NewReader(response.Body).ReadAll()
	if err != nil {
		return 0, fmt.Errorf("read what haproxy says: %w", err)
	}
	const proxy, server, state = 0, 1, 17
	up := 0
	for _, line := range lines {
		if len(line) > state && line[proxy] == "instances" && strings.HasPrefix(line[server], "instance-") && line[state] == "UP" {
			up++
		}
	}
	return up, nil
}

// Stop ends it.
func (b *Balancer) Stop() error { return b.process.end(syscall.SIGTERM) }

// PID is its process id.
func (b *Balancer) PID() int { return b.process.cmd.Process.Pid }
