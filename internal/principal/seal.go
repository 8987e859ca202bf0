package principal

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"auth-v2-service/internal/user"
)

const maxSealed = 16 << 10

var errNotSealed = errors.New("the facts do not open: forged, cut short, another user's, or another key's")

// sealer encrypts facts for Redis (T7). They open only for the same user, token kind, key and set of user fields, so other releases read
// the row. A random 192-bit nonce never repeats.
type sealer struct{ aead cipher.AEAD }

// newSealer derives the key by HKDF (RFC 5869).
func newSealer(secret []byte) (sealer, error) {
	if len(secret) == 0 {
		return sealer{}, errors.New("derive the key of the facts: there is no secret")
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "auth-v2-service: facts in Redis", chacha20poly1305.KeySize)
	if err != nil {
		return sealer{}, fmt.Errorf("derive the key of the facts: %w", err)
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return sealer{}, fmt.Errorf("seal facts: %w", err)
	}
	return sealer{aead}, nil
}

type dated struct {
	User      user.User
	ReadMicro int64
}

func (s sealer) seal(key factsKey, u user.User, readAt time.Time) ([]byte, error) {
	plain, err := json.Marshal(dated{User: u, ReadMicro: readAt.UnixMicro()})
	if err != nil {
		return nil, fmt.Errorf("write facts: %w", err) // such as infinity
	}
	if len(plain)+s.aead.NonceSize()+s.aead.Overhead() > maxSealed {
		return nil, fmt.Errorf("write facts: %d bytes are too many", len(plain))
	}
	nonce := make([]byte, s.aead.NonceSize(), s.aead.NonceSize()+len(plain)+s.aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("seal facts: %w", err)
	}
	return s.aead.Seal(nonce, nonce, plain, boundTo(key)), nil
}

func (s sealer) open(key factsKey, sealed []byte) (u user.User, readAt time.Time, err error) {
	if len(sealed) < s.aead.NonceSize() || len(sealed) > maxSealed {
		return user.User{}, time.Time{}, errNotSealed
	}
	nonce, closed := sealed[:s.aead.NonceSize()], sealed[s.aead.NonceSize():]
	plain, err := s.aead.Open(nil, nonce, closed, boundTo(key))
	if err != nil {
		return user.User{}, time.Time{}, errNotSealed
	}
	var d dated
	if err := json.Unmarshal(plain, &d); err != nil {
		return user.User{}, time.Time{}, errNotSealed
	}
	return d.User, time.UnixMicro(d.ReadMicro), nil
}

func boundTo(key factsKey) []byte {
	return fmt.Appendf(nil, "%s %s %s", shape, key.kind, key.id)
}

// shape hashes the fields of this release's users.
var shape = func() string {
	hash := sha256.New()
	for _, field := range reflect.VisibleFields(reflect.TypeFor[user.User]()) {
		_, _ = fmt.Fprintln(hash, field.Name, field.Type) // never fails
	}
	return fmt.Sprintf("%x", hash.Sum(nil))
}()
