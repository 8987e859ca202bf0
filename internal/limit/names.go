package limit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
)

// names hashes with a key; without it, names identify no user.
type names struct{ key []byte }

func newNames(key []byte) names { return names{key: append([]byte(nil), key...)} }

type attemptNames struct {
	address, pair, email, attempts, known string
}

func (n names) address(operation string, addr netip.Addr) string {
	return "limit:address:" + operation + ":" + n.hash("address", network(addr))
}

func (n names) attempt(email string, addr netip.Addr) attemptNames {
	pair, mail := n.hash("pair", network(addr), email), n.hash("email", email)
	return attemptNames{
		address: "limit:address-failures:" + n.hash("address", network(addr)),
		pair:    "limit:pair-failures:" + pair, known: "limit:known:" + pair,
		email: "limit:email-failures:" + mail, attempts: "limit:email-attempts:" + mail,
	}
}

// mail shares known addresses with sign-ins.
func (n names) mail(email string, addr netip.Addr) attemptNames {
	signIn := n.attempt(email, addr)
	return attemptNames{
		address: signIn.address + ":mail", pair: signIn.pair + ":mail", email: signIn.email + ":mail", attempts: signIn.attempts + ":mail",
		known: signIn.known,
	}
}

func (n names) hash(parts ...string) string {
	mac := hmac.New(sha256.New, n.key)
	mac.Write([]byte("limit"))
	for _, part := range parts {
		mac.Write([]byte{0})
		mac.Write([]byte(part))
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// network is the IPv4 address or the /64 of an IPv6 one, which has one owner.
func network(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	if !addr.Is6() {
		return addr.String()
	}
	prefix, _ := addr.Prefix(64)
	return prefix.String()
}
