package httpapi

import (
	"net/http"
	"net/netip"
	"testing"
)

// A4: only trusted proxies are believed.
func TestAddressOf(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		peer      string
		forwarded []string
		want      string
		trusted   []netip.Prefix
	}{
		"no proxy":                  {"203.0.113.9:1234", nil, "203.0.113.9", trusted},
		"a stranger claims":         {"203.0.113.9:1234", []string{"198.51.100.7"}, "203.0.113.9", trusted},
		"nobody is trusted":         {"10.0.0.1:1234", []string{"198.51.100.7"}, "10.0.0.1", nil},
		"one proxy":                 {"10.0.0.1:1234", []string{"198.51.100.7"}, "198.51.100.7", trusted},
		"one proxy, a lie before":   {"10.0.0.1:1234", []string{"1.1.1.1, 198.51.100.7"}, "198.51.100.7", trusted},
		"two proxies":               {"10.0.0.1:1234", []string{"198.51.100.7, 10.0.0.2"}, "198.51.100.7", trusted},
		"two proxies and a lie":     {"10.0.0.1:1234", []string{"10.9.9.9, 198.51.100.7, 10.0.0.2"}, "198.51.100.7", trusted},
		"two header lines":          {"10.0.0.1:1234", []string{"1.1.1.1", "198.51.100.7"}, "198.51.100.7", trusted},
		"all are proxies":           {"10.0.0.1:1234", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3", trusted},
		"a proxy that says nothing": {"10.0.0.1:1234", nil, "10.0.0.1", trusted},
		"rubbish":                   {"10.0.0.1:1234", []string{"198.51.100.7, unknown"}, "10.0.0.1", trusted},
		"rubbish before":            {"10.0.0.1:1234", []string{"unknown, 198.51.100.7"}, "198.51.100.7", trusted},
		"an empty hop":              {"10.0.0.1:1234", []string{"198.51.100.7,"}, "10.0.0.1", trusted},
		"IPv6":                      {"[fd00::1]:1234", []string{"2001:db8::7"}, "2001:db8::7", trusted},
		"IPv4 dressed as IPv6":      {"[::ffff:10.0.0.1]:1234", []string{"::ffff:198.51.100.7"}, "198.51.100.7", trusted},
		"a zone is dropped":         {"10.0.0.1:1234", []string{"fe80::1%eth0"}, "fe80::1", trusted},
		"an address with its port":  {"10.0.0.1:1234", []string{"198.51.100.7:99"}, "198.51.100.7", trusted},
		"IPv6 with its port":        {"10.0.0.1:1234", []string{"[2001:db8::7]:99"}, "2001:db8::7", trusted},
		"IPv6 in brackets":          {"10.0.0.1:1234", []string{"[2001:db8::7]"}, "2001:db8::7", trusted},
		"IPv6 in brackets, twice":   {"10.0.0.1:1234", []string{"[2001:db8::7], [fd00::2]"}, "2001:db8::7", trusted},
		"a zone in brackets":        {"10.0.0.1:1234", []string{"[fe80::1%eth0]"}, "fe80::1", trusted},
		"a zone and a port":         {"10.0.0.1:1234", []string{"[fe80::1%eth0]:99"}, "fe80::1", trusted},
		"dressed, in brackets":      {"10.0.0.1:1234", []string{"[::ffff:198.51.100.7]"}, "198.51.100.7", trusted},
		"dressed, with its port":    {"10.0.0.1:1234", []string{"[::ffff:198.51.100.7]:99"}, "198.51.100.7", trusted},
		"a dressed proxy between":   {"10.0.0.1:1234", []string{"198.51.100.7, [::ffff:10.0.0.2]:99"}, "198.51.100.7", trusted},
		"blanks around":             {"10.0.0.1:1234", []string{" [2001:db8::7] "}, "2001:db8::7", trusted},
		"a proxy with a zone":       {"[fd00::1%eth0]:1234", []string{"198.51.100.7"}, "198.51.100.7", trusted},
		"a zoned proxy between":     {"10.0.0.1:1234", []string{"198.51.100.7, fd00::2%eth1"}, "198.51.100.7", trusted},
		"IPv4 in brackets":          {"10.0.0.1:1234", []string{"[198.51.100.7]"}, "10.0.0.1", trusted},
		"a bracket too few":         {"10.0.0.1:1234", []string{"[2001:db8::7"}, "10.0.0.1", trusted},
		"nothing in brackets":       {"10.0.0.1:1234", []string{"[]"}, "10.0.0.1", trusted},
		"brackets twice":            {"10.0.0.1:1234", []string{"[[2001:db8::7]]"}, "10.0.0.1", trusted},
		"no peer address":           {"@", []string{"198.51.100.7"}, "invalid IP", trusted},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		if got := addressOf(r, c.trusted).String(); got != c.want {
			t.Errorf("%s: the client is %s, expected %s", name, got, c.want)
		}
	}
}
