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

// maxSealed is more than the facts of anybody take; what is longer is neither left nor opened.
const maxSealed = 16 << 10

// errNotSealed says that this is not what an instance with our key has left about this person.
var errNotSealed = errors.New("the facts do not open: forged, cut short, somebody else's, or another key's")

// sealer closes facts for a place that others can read and write (T7). What it has closed opens only for the same person, the
// same kind of token, the same key and the same notion of what a user is: an instance of another release, which may know of
// more that keeps somebody out, reads the row. A random nonce of 192 bits never repeats.
type sealer struct{ aead cipher.AEAD }

// newSealer derives its key from a secret that the place does not have (RFC 5869). With none, everybody could.
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

// dated are facts and the instant at which their reading began.
type dated struct {
	User      user.User
	ReadMicro int64
}

func (s sealer) seal(whose factsKey, u user.User, readAt time.Time) ([]byte, error) {
	plain, err := json.Marshal(dated{User: u, ReadMicro: readAt.UnixMicro()})
	if err != nil {
		return nil, fmt.Errorf("write facts: %w", err) // an instant that JSON cannot say, such as infinity
	}
	if len(plain)+s.aead.NonceSize()+s.aead.Overhead() > maxSealed {
		return nil, fmt.Errorf("write facts: %d bytes are too many", len(plain))
	}
	nonce := make([]byte, s.aead.NonceSize(), s.aead.NonceSize()+len(plain)+s.aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("seal facts: %w", err)
	}
	return s.aead.Seal(nonce, nonce, plain, boundTo(whose)), nil
}

func (s sealer) open(whose factsKey, sealed []byte) (u user.User, readAt time.Time, err error) {
	if len(sealed) < s.aead.NonceSize() || len(sealed) > maxSealed {
		return user.User{}, time.Time{}, errNotSealed
	}
	nonce, closed := sealed[:s.aead.NonceSize()], sealed[s.aead.NonceSize():]
	plain, err := s.aead.Open(nil, nonce, closed, boundTo(whose))
	if err != nil {
		return user.User{}, time.Time{}, errNotSealed
	}
	var d dated
	if err := json.Unmarshal(plain, &d); err != nil {
		return user.User{}, time.Time{}, errNotSealed
	}
	return d.User, time.UnixMicro(d.ReadMicro), nil
}

// boundTo is what facts are sealed for, beside the key.
func boundTo(whose factsKey) []byte {
	return fmt.Appendf(nil, "%s %s %s", shape, whose.kind, whose.id)
}

// shape names the fields that this release knows of a user.
var shape = func() string {
	hash := sha256.New()
	for _, field := range reflect.VisibleFields(reflect.TypeFor[user.User]()) {
		_, _ = fmt.Fprintln(hash, field.Name, field.Type) // a hash takes everything
	}
	return fmt.Sprintf("%x", hash.Sum(nil))
}()
