// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience is how long a process may take to end in order.
const patience = 30 * time.Second

// process is a program that runs.
type process struct {
	cmd   *exec.Cmd
	name  string
	said  *tail
	ended chan struct{} // closed when it has
	err   error         // how it ended; read after ended
}

// begin starts a program that ends with us.
func begin(name string, cmd *exec.Cmd, deathSignal syscall.Signal) (*process, error) {
	p := &process{cmd: cmd, name: name, said: &tail{}, ended: make(chan struct{})}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	endWithUs(cmd.SysProcAttr, deathSignal)
	cmd.Stderr = p.said
	if cmd.Stdout == nil {
		cmd.Stdout = p.said
	}
	cmd.WaitDelay = time.Second // for children that outlive it and hold its output open
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// alive is an error when it has ended by itself.
func (p *process) alive() error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s has ended (%w): %s", p.name, p.err, p.said)
	default:
		return nil
	}
}

// end sends a signal and waits. Where that does not help it kills, which is an error.
func (p *process) end(signal syscall.Signal) error {
	if p == nil {
		return nil
	}
	_ = p.cmd.Process.Signal(signal)
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
	return fmt.Errorf("%s did not end in %v: %s", p.name, patience, p.said)
}

// await waits until it is as wanted, which look tells by no error. One that has ended
// never will be.
func (p *process) await(ctx context.Context, look func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := look(ctx)
		if err == nil {
			return nil
		}
		if dead := p.alive(); dead != nil {
			return dead
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w: %s", p.name, err, p.said)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// tail keeps the end of what a program says.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const most = 4000
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if extra := len(t.text) - most; extra > 0 {
		t.text = append([]byte(nil), t.text[extra:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}

// ports are those that were given out. Servers stop and come back to theirs, so none is
// given out twice.
var ports = struct {
	sync.Mutex
	given map[int]bool
}{given: map[int]bool{}}

// FreePort is one that nobody listens on. It is below those that systems choose for
// outgoing connections, one of which could have it when a server comes back.
func FreePort() (int, error) {
	const first, last, tries = 15_000, 32_000, 1000
	ports.Lock()
	defer ports.Unlock()
	for range tries {
		port := first + rand.N(last-first) //nolint:gosec // no secret
		if ports.given[port] {
			continue
		}
		l, err := net.Listen("tcp", addr(port)) //nolint:noctx // it is closed at once
		if err != nil {
			continue
		}
		ports.given[port] = true
		return port, l.Close()
	}
	return 0, errors.New("find a free port: there is none")
}

// addr is a port of this machine's loopback.
func addr(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// find looks for a program that a Debian package brings.
func find(program, pack string) (string, error) {
	for _, dir := range []string{"/usr/sbin/", "/usr/bin/", "/usr/local/sbin/", "/usr/local/bin/", "/opt/homebrew/bin/"} {
		if _, err := os.Stat(dir + program); err == nil {
			return dir + program, nil
		}
	}
	return "", fmt.Errorf("there is no %s: on Debian and Ubuntu \"apt-get install --no-install-recommends %s\" brings it", program, pack)
}
