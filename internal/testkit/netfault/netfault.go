// Package netfault simulates outages of a TCP service by toxiproxy.
package netfault

import (
	"context"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	_ "github.com/Shopify/toxiproxy/v2/toxics" // registers the faults
	"github.com/rs/zerolog"
)

// Wire has a constant address. It is safe for concurrent use.
type Wire struct {
	t     testing.TB
	mu    sync.Mutex
	proxy *toxiproxy.Proxy
	cut   bool
	hung  bool
}

// New starts a wire to upstream (host:port).
func New(t testing.TB, upstream string) *Wire {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	w := &Wire{t: t, proxy: toxiproxy.NewProxy(server, t.Name(), "127.0.0.1:0", upstream)}
	if err := w.proxy.Start(); err != nil {
		t.Fatalf("lay a wire to %s: %v", upstream, err)
	}
	t.Cleanup(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.cut {
			w.proxy.Stop()
		}
	})
	return w
}

// URL returns a URL through a new wire.
func URL(t testing.TB, rawURL string) (*Wire, string) {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatalf("netfault: not a URL: %v", err)
	}
	w := New(t, u.Host)
	u.Host = w.Addr()
	return w, u.String()
}

// Addr returns host:port.
func (w *Wire) Addr() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.proxy.Listen
}

// Cut closes and refuses connections.
func (w *Wire) Cut() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		return
	}
	w.unhang()
	w.proxy.Stop()
	w.cut = true
}

// Hang keeps connections open and drops all bytes.
func (w *Wire) Hang() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reconnect()
	if w.hung {
		return
	}
	for _, stream := range []string{"upstream", "downstream"} {
		toxic := `{"type":"timeout","stream":"` + stream + `","attributes":{"timeout":0}}`
		if _, err := w.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			w.t.Fatalf("netfault: hang %s: %v", stream, err)
		}
	}
	w.hung = true
}

// Restore lets new connections work and closes those that hung.
func (w *Wire) Restore() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unhang()
	w.reconnect()
}

func (w *Wire) unhang() {
	if !w.hung {
		return
	}
	w.proxy.Toxics.ResetToxics(context.Background()) // not the test's, which may have ended
	w.hung = false
}

func (w *Wire) reconnect() {
	if !w.cut {
		return
	}
	if err := w.proxy.Start(); err != nil {
		w.t.Fatalf("netfault: restore %s: %v", w.proxy.Listen, err)
	}
	w.cut = false
}

// HostPort splits Addr.
func (w *Wire) HostPort() (host, port string) {
	host, port, err := net.SplitHostPort(w.Addr())
	if err != nil {
		w.t.Fatalf("netfault: %v", err)
	}
	return host, port
}
