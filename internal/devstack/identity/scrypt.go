package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"
)

// HashConfig holds the scrypt parameters that checking exported hashes needs (M7).
type HashConfig struct {
	Algorithm     string `json:"algorithm"`
	SignerKey     []byte `json:"signerKey"`
	SaltSeparator []byte `json:"saltSeparator"`
	Rounds        int    `json:"rounds"`
	MemoryCost    int    `json:"memoryCost"`
}

const (
	algorithmScrypt = "SCRYPT"
	algorithmBcrypt = "BCRYPT"
	scryptKeyLength = 32
	maxMemoryCost   = 14
	maxRounds       = 8
)

// Hash is Firebase's modified scrypt (https://firebaseopensource.com/projects/firebase/scrypt): scrypt makes an AES-256 key, which encrypts
// the signer key. Hashes are useless without it.
func (c HashConfig) Hash(password string, salt []byte) ([]byte, error) {
	full := append(append([]byte{}, salt...), c.SaltSeparator...)
	key, err := scrypt.Key([]byte(password), full, 1<<c.MemoryCost, c.Rounds, 1, scryptKeyLength)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("cipher: %w", err)
	}
	hash := make([]byte, len(c.SignerKey))
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(hash, c.SignerKey)
	return hash, nil
}

// passwordHash has a Config for imported SCRYPT only, and else the version of the project's.
type passwordHash struct {
	Algorithm string      `json:"algorithm,omitempty"`
	Hash      []byte      `json:"hash,omitempty"`
	Salt      []byte      `json:"salt,omitempty"`
	Config    *HashConfig `json:"config,omitempty"`
	Version   int         `json:"version,omitempty"`
}

func (h passwordHash) set() bool { return h.Algorithm != "" }

func (h passwordHash) own() bool { return h.Algorithm == algorithmScrypt && h.Config == nil }

func (h passwordHash) same(other passwordHash) bool {
	return h.Algorithm == other.Algorithm && subtle.ConstantTimeCompare(h.Hash, other.Hash) == 1
}

// matches is slow: never call it under mu.
func (h passwordHash) matches(keys *hashKeys, password string) bool {
	switch h.Algorithm {
	case algorithmBcrypt:
		return bcrypt.CompareHashAndPassword(bcryptDialect(h.Hash), []byte(password)) == nil
	case algorithmScrypt:
		hash, err := keys.of(h).Hash(password, h.Salt)
		return err == nil && subtle.ConstantTimeCompare(hash, h.Hash) == 1
	default:
		return false
	}
}

// bcryptDialect: without NUL, $2y$, $2b$ and $2a$ are equal.
func bcryptDialect(hash []byte) []byte {
	if text := string(hash); strings.HasPrefix(text, "$2y$") || strings.HasPrefix(text, "$2b$") {
		return []byte("$2a$" + text[4:])
	}
	return hash
}

// hashPassword is slow, see matches.
func (p *Provider) hashPassword(password string) (passwordHash, error) {
	salt := p.randomBytes(10)
	version, config := p.hashes.current()
	hash, err := config.Hash(password, salt)
	if err != nil {
		return passwordHash{}, err
	}
	return passwordHash{Algorithm: algorithmScrypt, Hash: hash, Salt: salt, Version: version}, nil
}

func encode64(b []byte) string { return base64.URLEncoding.EncodeToString(b) }

// decode64 accepts either alphabet and no padding, like protobuf.
func decode64(text string) ([]byte, error) {
	text = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(text), "=")
	return base64.RawStdEncoding.DecodeString(text)
}
