package httpapi

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

type addrKey struct{}

// clientAddress finds out who is at the other end. X-Forwarded-For is read from the right for as long as the sender is a
// trusted proxy: what stands left of the first stranger is that stranger's claim (A4).
func clientAddress(trusted []netip.Prefix) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx := context.WithValue(r.Context(), addrKey{}, addressOf(r, trusted))
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

func addressOf(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !within(addr, trusted) {
			return addr
		}
		claimed, err := parseHop(strings.TrimSpace(hop))
		if err != nil {
			return addr
		}
		addr = claimed.Unmap().WithZone("")
	}
	return addr
}

// parseHop reads an address; some proxies write its port behind it.
func parseHop(hop string) (netip.Addr, error) {
	if withPort, err := netip.ParseAddrPort(hop); err == nil {
		return withPort.Addr(), nil
	}
	return netip.ParseAddr(hop)
}

func within(addr netip.Addr, prefixes []netip.Prefix) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// clientAddr is the address that clientAddress found.
func clientAddr(ctx context.Context) netip.Addr {
	addr, _ := ctx.Value(addrKey{}).(netip.Addr)
	return addr
}
