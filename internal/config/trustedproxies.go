package config

import (
	"fmt"
	"net/netip"
)

// The prefix of IPv4-mapped addresses (RFC 4291 section 2.5.5.2).
const mappedBits = 96

// unmapProxies turns ::ffff:10.0.0.0/104 into 10.0.0.0/8 for comparisons.
func (c *Config) unmapProxies() {
	for i, prefix := range c.TrustedProxies {
		if prefix.Addr().Is4In6() && prefix.Bits() >= mappedBits {
			c.TrustedProxies[i] = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-mappedBits)
		}
	}
}

// validateProxies refuses mapped networks wider than IPv4.
func (c Config) validateProxies() error {
	for _, prefix := range c.TrustedProxies {
		if prefix.Addr().Is4In6() {
			return fmt.Errorf("TRUSTED_PROXIES holds %s, which is wider than IPv4: write an IPv4 network, or /%d and more", prefix, mappedBits)
		}
	}
	return nil
}
