// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// client sends spans by OTLP over HTTP, in protobuf. It implements otlptrace.Client. It is
// by hand because otlptracehttp brings gRPC and its gateway along, 3.5 MB and ten
// modules, and cannot be told to stop trying.
type client struct {
	settings Settings
	http     *http.Client
	log      *slog.Logger

	stopping, hurried func()          // called once it is time to end
	life              context.Context //nolint:containedctx // of the client, which outlives what it is called with
	patience          context.Context //nolint:containedctx // ends when nothing is to be tried again

	mu   sync.Mutex
	away bool // as was last told to the log
}

const (
	firstPause = time.Second // before a second try; it doubles
	mostPause  = 8 * time.Second
	// enough of an answer is read to use the connection again.
	enough = 64 << 10
)

func newClient(s Settings, log *slog.Logger) *client {
	c := &client{settings: s, log: log}
	c.life, c.stopping = context.WithCancel(context.Background())
	c.patience, c.hurried = context.WithCancel(c.life)
	c.http = &http.Client{
		Timeout: s.timeout,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{}).DialContext, TLSClientConfig: s.tls,
			ForceAttemptHTTP2: true, MaxIdleConns: 1, IdleConnTimeout: time.Minute,
		},
		// Headers may be secret, and are for the endpoint alone.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// Start implements otlptrace.Client. There is nothing to connect to yet.
func (c *client) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client. It comes when the last spans were sent, or given up.
func (c *client) Stop(context.Context) error {
	c.stopping()
	c.http.CloseIdleConnections()
	return nil
}

// hurry makes what is sent from now on be tried once.
func (c *client) hurry() { c.hurried() }

// cutOff ends what is being sent.
func (c *client) cutOff(err error) {
	c.tell(fmt.Errorf("the service is stopping: %w", err))
	c.stopping()
}

// UploadTraces implements otlptrace.Client. It returns no error: the library would print
// each. Instead the log is told when the collector no longer takes what is sent, and when
// it does again.
func (c *client) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	if c.life.Err() != nil {
		return nil // the rest of what was cut off
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	// In this message a request of the OTLP service has the same form.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		c.tell(err)
		return nil
	}
	if c.settings.gzip {
		body = compressed(body)
	}
	c.tell(c.insist(ctx, body))
	return nil
}

func compressed(body []byte) []byte {
	var buffer bytes.Buffer
	w := gzip.NewWriter(&buffer)
	_, _ = w.Write(body) // a buffer takes all
	_ = w.Close()
	return buffer.Bytes()
}

// insist tries until ctx ends, or nothing is to be tried again. What comes meanwhile
// waits in the queue, and is dropped when that is full.
func (c *client) insist(ctx context.Context, body []byte) error {
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		err := c.try(ctx, body)
		passing, ok := errors.AsType[passingError](err)
		if !ok {
			return err
		}
		c.tell(err)
		// Many instances shall not come back at the same moment.
		wait := max(passing.after, pause/2+rand.N(pause/2)) //nolint:gosec // no secret
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		case <-c.patience.Done():
			return err
		}
	}
}

// passingError is worth another try.
type passingError struct {
	cause error
	after time.Duration // as the collector asks for
}

// Error implements error.
func (e passingError) Error() string { return e.cause.Error() }

// try sends once.
func (c *client) try(ctx context.Context, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.settings.endpoint.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range c.settings.headers {
		request.Header.Set(name, value)
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	if c.settings.gzip {
		request.Header.Set("Content-Encoding", "gzip")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return passingError{cause: err}
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.CopyN(io.Discard, response.Body, enough)
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout: // OTLP/HTTP, retryable
		seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
		return passingError{cause: refused(response.StatusCode), after: time.Duration(seconds) * time.Second}
	}
	if response.StatusCode/100 != 2 {
		return refused(response.StatusCode)
	}
	return nil
}

func refused(status int) error { return fmt.Errorf("status %d %s", status, http.StatusText(status)) }

// tell logs when the collector begins or ceases to be away.
func (c *client) tell(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch away := err != nil; {
	case away == c.away:
	case away:
		c.log.Warn("traces are not taken: those that wait too long are lost", "endpoint", c.settings.endpoint.String(), "reason", err.Error())
	default:
		c.log.Info("traces are taken again")
	}
	c.away = err != nil
}
