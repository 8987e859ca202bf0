// Package netfault puts a wire that can be cut in front of a TCP service, by Shopify's toxiproxy as a library: the tests'
// way to make PostgreSQL, Redis or an identity provider go away, hang and come back without touching them.
package netfault

import (
	"context"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	_ "github.com/Shopify/toxiproxy/v2/toxics" // registers the kinds of faults
	"github.com/rs/zerolog"
)

// Wire stands between a client and a service. Its address never changes, whatever happens to it. Safe for concurrent use.
type Wire struct {
	t     testing.TB
	mu    sync.Mutex
	proxy *toxiproxy.Proxy
	cut   bool
	hung  bool
}

// New lays a wire to upstream (host:port) that is taken away when the test ends.
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

// URL lays a wire to the host and port of a URL (postgres://, redis://, http://) and returns the URL that goes through it.
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

// Addr is the host:port to connect to.
func (w *Wire) Addr() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.proxy.Listen
}

// Cut closes every connection and refuses new ones, as a service that has crashed.
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

// Hang accepts connections and carries nothing either way, as a network that drops packets. Connections stay open.
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

// Restore makes the wire whole: new connections work. Those that hung are closed, for what they carried is lost.
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
	w.proxy.Toxics.ResetToxics(context.Background()) // also from a cleanup, when the test's context has ended
	w.hung = false
}

func (w *Wire) reconnect() {
	if !w.cut {
		return
	}
	// The address must be had again; the port was ours a moment ago, and nobody asks for it by number.
	if err := w.proxy.Start(); err != nil {
		w.t.Fatalf("netfault: restore %s: %v", w.proxy.Listen, err)
	}
	w.cut = false
}

// HostPort is the address taken apart, for configurations that want two values.
func (w *Wire) HostPort() (host, port string) {
	host, port, err := net.SplitHostPort(w.Addr())
	if err != nil {
		w.t.Fatalf("netfault: %v", err)
	}
	return host, port
}
