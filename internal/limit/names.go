package limit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
)

// names turns addresses and e-mails into names of counters that only a holder of the key could connect to anyone.
type names struct{ key []byte }

func newNames(key []byte) names { return names{key: append([]byte(nil), key...)} }

// attemptNames are the counters that one attempt touches.
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

// mail names what a mail to an e-mail's person touches. The addresses that are known are those of sign-ins.
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

// network is who is meant by an address: all of a /64 in IPv6, for whoever has one address there has them all; an IPv4
// address alone, also when it comes dressed as IPv6. Requests of which no address is known share one name.
func network(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	if !addr.Is6() {
		return addr.String()
	}
	prefix, _ := addr.Prefix(64) // cannot fail: 64 is within IPv6
	return prefix.String()
}
