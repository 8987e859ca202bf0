package telemetry

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// EmailHasher makes the hash that stands for an e-mail address in logs (O1). It is keyed, for an unkeyed hash of an address
// is undone by hashing a list of addresses; lines about one person can still be found by whoever holds the key.
type EmailHasher struct{ key []byte }

// NewEmailHasher copies key. Instances that share a log share a key.
func NewEmailHasher(key []byte) EmailHasher {
	return EmailHasher{key: append([]byte(nil), key...)}
}

// HashEmail gives 32 hexadecimal digits for a canonical address (F2), and "" for none.
func (h EmailHasher) HashEmail(email string) string {
	if email == "" {
		return ""
	}
	mac := hmac.New(sha256.New, h.key)
	mac.Write([]byte("telemetry email\x00" + email))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
