// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"context"
	"fmt"
	"strings"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// Damage is a TCP proxy that can spoil what goes through it.
type Damage struct {
	proxy *toxiproxy.Proxy
}

// NewDamage starts one in front of an address (host:port). It spoils nothing yet.
func NewDamage(upstream string) (*Damage, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	d := &Damage{proxy: toxiproxy.NewProxy(server, "damage", "127.0.0.1:0", upstream)}
	if err := d.Up(); err != nil {
		return nil, err
	}
	return d, nil
}

// Addr is where it listens.
func (d *Damage) Addr() string { return d.proxy.Listen }

// Down cuts all connections and refuses further ones.
func (d *Damage) Down() { d.proxy.Stop() }

// Up takes connections again, where it did before.
func (d *Damage) Up() error {
	if err := d.proxy.Start(); err != nil {
		return fmt.Errorf("start a proxy: %w", err)
	}
	return nil
}

// The ways to spoil what comes from the server behind it, as JSON of Toxiproxy.
const (
	latency   = `{"name":"toxic","type":"latency","stream":"downstream","attributes":{"latency":%d}}`
	limitData = `{"name":"toxic","type":"limit_data","stream":"downstream","attributes":{"bytes":%d}}`
	reset     = `{"name":"toxic","type":"reset_peer","stream":"downstream","attributes":{"timeout":%d}}`
)

// Slow makes each piece of an answer come so many milliseconds later.
func (d *Damage) Slow(milliseconds int) error { return d.add(fmt.Sprintf(latency, milliseconds)) }

// CutAfter closes each connection when so many bytes more have come by it.
func (d *Damage) CutAfter(bytes int) error { return d.add(fmt.Sprintf(limitData, bytes)) }

// ResetAfter resets each connection so many milliseconds after something comes by it,
// which is lost.
func (d *Damage) ResetAfter(milliseconds int) error { return d.add(fmt.Sprintf(reset, milliseconds)) }

func (d *Damage) add(toxic string) error {
	if _, err := d.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		return fmt.Errorf("spoil a connection: %w", err)
	}
	return nil
}

// Mend ends what was begun by one of the ways to spoil.
func (d *Damage) Mend(ctx context.Context) { d.proxy.Toxics.ResetToxics(ctx) }

// IsDown tells whether it refuses connections.
func (d *Damage) IsDown() bool { return !d.proxy.Enabled }
