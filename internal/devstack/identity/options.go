package identity

import (
	"crypto/rand"
	"crypto/rsa"
	"io"
	"time"
)

// Options says how a Provider behaves. Only ProjectID is required; the zero value of the rest is what a Firebase project
// made today does.
type Options struct {
	// ProjectID is the audience of every token and the only project that is served.
	ProjectID string
	// APIKey is the one key that clients may use. Empty: any key, as the emulator does; a key must still be sent.
	APIKey string
	// Clock tells the time. Default time.Now.
	Clock func() time.Time
	// Rand is where uids, salts, codes and seals come from. Default crypto/rand. Signing keys never come from it.
	Rand io.Reader
	// NewKey makes the RSA key of a new signing key, different at each call. Default: 2,048 bits from crypto/rand, which takes 80 ms.
	NewKey func() (*rsa.PrivateKey, error)
	// SnapshotPath is a file that keeps accounts, keys and mails between runs. Empty: nothing is kept.
	SnapshotPath string
	// SnapshotDelay is how long changes are gathered before the file is written. Default 200 ms.
	SnapshotDelay time.Duration
	// TokenTTL is the life of an ID token. Default one hour.
	TokenTTL time.Duration
	// KeyCount is how many certificates are published; the newest signs. Default 2.
	KeyCount int
	// RotateEvery makes Serve bring in a new signing key this often. Zero: only RotateKeys does.
	RotateEvery time.Duration
	// CertMaxAge is what the certificates' Cache-Control says. Default one hour.
	CertMaxAge time.Duration
	// ScryptMemoryCost is the binary logarithm of N in the password hash. Default 14, as Firebase's; tests take less.
	ScryptMemoryCost int
	// EnumerationAllowed switches e-mail enumeration protection off, as in projects made before September 2023.
	EnumerationAllowed bool
	// MaxFailures is how many wrong passwords in a row lock an address for LockFor. Zero: no limit.
	MaxFailures int
	// LockFor is how long such a lock lasts. Default 5 minutes.
	LockFor time.Duration
	// RecentLogin is how old a session may be for a change of password or e-mail and for deletion. Default 5 minutes.
	RecentLogin time.Duration
	// CodeTTL is the life of a one-time code sent by mail. Default one hour.
	CodeTTL time.Duration
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.NewKey == nil {
		o.NewKey = func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, keyBits) }
	}
	setDefault(&o.SnapshotDelay, 200*time.Millisecond)
	setDefault(&o.TokenTTL, time.Hour)
	setDefault(&o.KeyCount, 2)
	setDefault(&o.CertMaxAge, time.Hour)
	setDefault(&o.ScryptMemoryCost, 14)
	setDefault(&o.LockFor, 5*time.Minute)
	setDefault(&o.RecentLogin, 5*time.Minute)
	setDefault(&o.CodeTTL, time.Hour)
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
