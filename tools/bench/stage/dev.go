// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// invitation is the line that "reporting dev" prints for people to paste.
var invitation = regexp.MustCompile(`^curl -s -X POST '([^']+)' .*'Authorization: (Bearer [^']+)'`)

// TryDev runs "reporting dev", does what it invites to, and tells how long that took
// from the start of the program. It has ended afterwards.
func TryDev(ctx context.Context, program string) (took time.Duration, err error) {
	api, err := FreeAddr()
	if err != nil {
		return 0, err
	}
	ops, err := FreeAddr()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	// When ctx ends too soon it is asked to end in order as well, since it has a
	// Postgres to stop.
	cmd := exec.CommandContext(ctx, program, "dev")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	// The embedded Postgres is found by the same variables as ours.
	cmd.Env = append(os.Environ(), "REPORTING_LISTEN="+api, "REPORTING_OPS_LISTEN="+ops)
	printed, err := cmd.StdoutPipe()
	if err != nil {
		return 0, fmt.Errorf("run dev: %w", err)
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("run dev: %w", err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_, _ = io.Copy(io.Discard, printed)
		if ended := cmd.Wait(); err == nil && ended != nil {
			err = fmt.Errorf("run dev: %w", ended)
		}
	}()
	for lines := bufio.NewScanner(printed); lines.Scan(); {
		if line := invitation.FindStringSubmatch(lines.Text()); line != nil {
			err := accept(ctx, line[1], line[2])
			return time.Since(begin), err
		}
	}
	return 0, errors.New("run dev: it ended without an invitation")
}

// accept makes the call of the invitation and looks whether a job comes of it.
func accept(ctx context.Context, url, authorization string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", JSON)
	request.Header.Set("Authorization", authorization)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("accept the invitation: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	var bundle struct{ Entry []any }
	if err := json.NewDecoder(answer.Body).Decode(&bundle); err != nil {
		return fmt.Errorf("accept the invitation: %w", err)
	}
	if answer.StatusCode != http.StatusOK || len(bundle.Entry) == 0 {
		return fmt.Errorf("accept the invitation: status %d with %d jobs", answer.StatusCode, len(bundle.Entry))
	}
	return nil
}
