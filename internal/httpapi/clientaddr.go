package httpapi

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// addressOf reads X-Forwarded-For from the right while the sender is a trusted proxy (A4).
func addressOf(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := plainAddr(peer.Addr())
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
		addr = plainAddr(claimed)
	}
	return addr
}

func parseHop(hop string) (netip.Addr, error) {
	if withPort, err := netip.ParseAddrPort(hop); err == nil {
		return withPort.Addr(), nil
	}
	if inner, opened := strings.CutPrefix(hop, "["); opened {
		if inner, closed := strings.CutSuffix(inner, "]"); closed && strings.Contains(inner, ":") { // RFC 3986 section 3.2.2
			return netip.ParseAddr(inner)
		}
	}
	return netip.ParseAddr(hop)
}

// plainAddr unmaps IPv4 and drops the zone, for comparisons.
func plainAddr(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

func within(addr netip.Addr, prefixes []netip.Prefix) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}

func clientAddr(ctx context.Context) netip.Addr { return requestOf(ctx).client }
