package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
)

// A key reads av2_<public id>_<secret>: 16 characters of a-z and 2-7, then 32 random bytes in base64url without padding. The
// prefix is for those who search repositories for keys that were committed.
const (
	prefix      = "av2_"
	idLength    = 16
	secretBytes = 32
)

var (
	spelling  = regexp.MustCompile(`^` + prefix + `([a-z2-7]{16})_([A-Za-z0-9_-]{43})$`)
	publicID  = regexp.MustCompile(`^[a-z2-7]{16}$`)
	secretsIn = base64.RawURLEncoding.Strict() // one spelling a key
)

// mint draws a key: its public id, the whole of it as it is shown once, and the hash that is kept.
func mint() (id, whole string, hash []byte) {
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // never fails: the program ends where there is no randomness
	id = strings.ToLower(rand.Text()[:idLength])
	return id, prefix + id + "_" + secretsIn.EncodeToString(secret), hashOf(secret)
}

// read takes a key apart; not ok where it is none of ours by its looks.
func read(whole string) (id string, hash []byte, ok bool) {
	parts := spelling.FindStringSubmatch(whole)
	if parts == nil {
		return "", nil, false
	}
	secret, err := secretsIn.DecodeString(parts[2])
	if err != nil {
		return "", nil, false
	}
	return parts[1], hashOf(secret), true
}

// hashOf needs neither salt nor slowness: nobody goes through 2^256 secrets.
func hashOf(secret []byte) []byte {
	sum := sha256.Sum256(secret)
	return sum[:]
}
