package password

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// Bounds of Firebase's own parameters. A computation takes 2^memoryCost * 128 * rounds bytes: 16 MiB at most.
const (
	maxScryptMemory    = 14
	maxScryptRounds    = 8
	maxScryptBytes     = 256 // of a hash, a salt or a signer key
	maxScryptSeparator = 64
	minScryptHash      = 16
)

const redacted = "REDACTED"

var (
	// ErrBadScrypt reports parameters or a hash that Firebase does not make.
	ErrBadScrypt = errors.New("this is no hash of Firebase's scrypt")
	// ErrRedacted reports a hash that Firebase withheld: the caller lacks firebaseauth.configs.getHashConfig.
	ErrRedacted = errors.New("the hash is withheld by Firebase")
)

// ScryptConfig holds a project's parameters of Firebase's scrypt.
type ScryptConfig struct {
	SignerKey     Secret
	SaltSeparator []byte
	Rounds        int
	MemoryCost    int
}

// Check returns ErrBadScrypt or nil.
func (c ScryptConfig) Check() error {
	switch {
	case c.Rounds < 1 || c.Rounds > maxScryptRounds, c.MemoryCost < 1 || c.MemoryCost > maxScryptMemory,
		len(c.SignerKey) < minScryptHash || len(c.SignerKey) > maxScryptBytes, len(c.SaltSeparator) > maxScryptSeparator:
		return ErrBadScrypt
	}
	return nil
}

// ScryptHash is a password's hash by Firebase.
type ScryptHash struct {
	Config ScryptConfig
	Hash   Secret
	Salt   Secret
}

// DecodeScrypt decodes a hash and salt of an export, for Check with its Config. Errors: ErrRedacted, ErrBadScrypt.
func DecodeScrypt(hash, salt string) (ScryptHash, error) {
	decodedHash, err := DecodeBase64(hash)
	if err != nil {
		return ScryptHash{}, err
	}
	decodedSalt, err := DecodeBase64(salt)
	if err != nil {
		return ScryptHash{}, err
	}
	if string(decodedHash) == redacted || string(decodedSalt) == redacted {
		return ScryptHash{}, ErrRedacted
	}
	return ScryptHash{Hash: decodedHash, Salt: decodedSalt}, nil
}

// DecodeBase64 takes both alphabets, with or without padding, or returns ErrBadScrypt.
func DecodeBase64(text string) ([]byte, error) {
	if len(text) > 2*maxScryptBytes {
		return nil, ErrBadScrypt
	}
	text = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(text), "=")
	decoded, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, ErrBadScrypt // the error would quote the text
	}
	return decoded, nil
}

// Check returns ErrBadScrypt or nil.
func (h ScryptHash) Check() error {
	if len(h.Hash) != len(h.Config.SignerKey) || len(h.Salt) > maxScryptBytes {
		return ErrBadScrypt
	}
	return h.Config.Check()
}

// ScryptWork returns the work of 2^memoryCost * rounds in bcrypt's rounds: equal work takes about equal time.
func ScryptWork(product int) int { return (product + scryptPerRound - 1) / scryptPerRound }

const scryptPerRound = 128

func (c ScryptConfig) work() int { return ScryptWork(1 << c.MemoryCost * c.Rounds) }

// VerifyScrypt shares the places of usual bcrypt hashes. Errors: ErrMismatch, ErrBadScrypt, ErrBusy.
func (h *Hasher) VerifyScrypt(ctx context.Context, hash ScryptHash, password string) error {
	return h.Attempt().VerifyScrypt(ctx, hash, password)
}

// VerifyScrypt is Hasher.VerifyScrypt.
func (a *Attempt) VerifyScrypt(ctx context.Context, hash ScryptHash, password string) error {
	if err := hash.Check(); err != nil {
		return err
	}
	a.usual = true
	work := hash.Config.work()
	_, err := compute(ctx, a.h, a.h.usual, max(work, a.ceilings.Scrypt)+a.ceilings.usualRounds(), func() (struct{}, error) {
		err := a.h.checkScrypt(hash, password)
		if err != nil {
			a.h.spendScrypt(a.ceilings.Scrypt - work)
			a.h.spend(a.h.usual, a.ceilings.usualRounds())
		}
		return struct{}{}, err
	})
	return err
}

// checkScrypt is Firebase's modified scrypt (github.com/firebase/scrypt): scrypt's key encrypts the signer key by AES-CTR.
func (h *Hasher) checkScrypt(hash ScryptHash, password string) error {
	c := hash.Config
	h.onWork(LaneScrypt, c.work())
	salt := append(append(make([]byte, 0, len(hash.Salt)+len(c.SaltSeparator)), hash.Salt...), c.SaltSeparator...)
	key, err := h.derive([]byte(password), salt, c.MemoryCost, c.Rounds)
	if err != nil {
		return err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return fmt.Errorf("encrypt the signer key: %w", err)
	}
	made := make([]byte, len(c.SignerKey))
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(made, c.SignerKey) //nolint:gosec // as Firebase does
	if subtle.ConstantTimeCompare(made, hash.Hash) != 1 {
		return ErrMismatch
	}
	return nil
}

func deriveScrypt(password, salt []byte, memory, rounds int) ([]byte, error) {
	key, err := scrypt.Key(password, salt, 1<<memory, rounds, 1, 32)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	return key, nil
}

// spendScrypt computes a key for each binary digit of work.
func (h *Hasher) spendScrypt(work int) {
	for memory := 4; work > 0; memory, work = memory+1, work>>1 {
		if work&1 == 1 {
			h.onWork(LaneScrypt, 1<<(memory-4))
			_, _ = h.derive(nil, nil, memory, maxScryptRounds)
		}
	}
}
