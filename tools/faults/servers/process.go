// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"errors"
	"fmt"
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

// FreePort is one that nobody listens on. Somebody else might take it first; who wanted
// it says so then.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed at once
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.New("find a free port: it has no number")
	}
	return addr.Port, nil
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
