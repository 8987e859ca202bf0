package config

import (
	"fmt"
	"net/netip"
)

// mappedBits is the part of an IPv4-mapped IPv6 address that says that it is one (RFC 4291 section 2.5.5.2).
const mappedBits = 96

// unmapProxies turns IPv4-mapped networks into IPv4's (::ffff:10.0.0.0/104 into 10.0.0.0/8): addresses are compared in that form.
func (c *Config) unmapProxies() {
	for i, prefix := range c.TrustedProxies {
		if prefix.Addr().Is4In6() && prefix.Bits() >= mappedBits {
			c.TrustedProxies[i] = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-mappedBits)
		}
	}
}

// validateProxies refuses a mapped network that is wider than all of IPv4: its length was meant for the IPv4 address.
func (c Config) validateProxies() error {
	for _, prefix := range c.TrustedProxies {
		if prefix.Addr().Is4In6() {
			return fmt.Errorf("TRUSTED_PROXIES holds %s, which is wider than IPv4: write an IPv4 network, or /%d and more", prefix, mappedBits)
		}
	}
	return nil
}
