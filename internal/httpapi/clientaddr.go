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

// parseHop reads an address in the spellings that proxies use: with or without a port, and IPv6 with or without brackets.
func parseHop(hop string) (netip.Addr, error) {
	if withPort, err := netip.ParseAddrPort(hop); err == nil {
		return withPort.Addr(), nil
	}
	if inner, opened := strings.CutPrefix(hop, "["); opened {
		if inner, closed := strings.CutSuffix(inner, "]"); closed && strings.Contains(inner, ":") { // brackets are IPv6's (RFC 3986 section 3.2.2)
			return netip.ParseAddr(inner)
		}
	}
	return netip.ParseAddr(hop)
}

// plainAddr is one form for each address, which TRUSTED_PROXIES and the limiter compare: an IPv4 address is never dressed as IPv6,
// and a zone, which means something on its own machine alone, is dropped.
func plainAddr(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

func within(addr netip.Addr, prefixes []netip.Prefix) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// clientAddr is the address of who is at the other end.
func clientAddr(ctx context.Context) netip.Addr { return requestOf(ctx).client }
