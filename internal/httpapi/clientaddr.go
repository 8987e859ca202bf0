package httpapi

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// addressOf finds out who is at the other end. X-Forwarded-For is read from the right for as long as the sender is a trusted proxy:
// what stands left of the first stranger is that stranger's claim (A4).
func addressOf(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := peer.Addr().Unmap()
	if !within(addr, trusted) {
		return addr
	}
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

// clientAddr is the address of who is at the other end.
func clientAddr(ctx context.Context) netip.Addr { return exchangeOf(ctx).client }
