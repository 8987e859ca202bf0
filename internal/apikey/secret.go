package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
)

// Secret scanners find the prefix.
const (
	prefix      = "av2_"
	idLength    = 16
	secretBytes = 32
)

var (
	spelling  = regexp.MustCompile(`^` + prefix + `([a-z2-7]{16})_([A-Za-z0-9_-]{43})$`)
	publicID  = regexp.MustCompile(`^[a-z2-7]{16}$`)
	secretsIn = base64.RawURLEncoding.Strict()
)

func mint() (id, whole string, hash []byte) {
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret)
	id = strings.ToLower(rand.Text()[:idLength])
	return id, prefix + id + "_" + secretsIn.EncodeToString(secret), hashOf(secret)
}

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

// A random 256-bit secret needs neither salt nor slowness.
func hashOf(secret []byte) []byte {
	sum := sha256.Sum256(secret)
	return sum[:]
}
