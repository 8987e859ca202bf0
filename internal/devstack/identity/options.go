package identity

import (
	"crypto/rand"
	"crypto/rsa"
	"io"
	"time"
)

// Options configures a Provider. Only ProjectID is required; defaults match a new Firebase project.
type Options struct {
	ProjectID string
	// APIKey empty accepts any key, but one is required.
	APIKey string
	// Default time.Now.
	Clock func() time.Time
	// Rand makes no signing keys. Default crypto/rand.
	Rand io.Reader
	// NewKey makes distinct keys. Default: 2,048 bits (80 ms).
	NewKey func() (*rsa.PrivateKey, error)
	// SnapshotPath empty: nothing is kept.
	SnapshotPath string
	// SnapshotDelay batches changes. Default 200 ms.
	SnapshotDelay time.Duration
	// Default 1 h.
	TokenTTL time.Duration
	// KeyCount certificates are published; the newest signs. Default 2.
	KeyCount int
	// RotateEvery zero: only RotateKeys rotates.
	RotateEvery time.Duration
	// CertMaxAge is for Cache-Control. Default 1 h.
	CertMaxAge time.Duration
	// ScryptMemoryCost is log2 of N. Default 14, Firebase's.
	ScryptMemoryCost int
	// HashConfig replaces random parameters, for published hashes.
	HashConfig *HashConfig
	// HashesHidden is HideHashes from the start.
	HashesHidden bool
	// EnumerationAllowed disables enumeration protection, as in projects before September 2023.
	EnumerationAllowed bool
	// MaxFailures wrong passwords in a row lock an address. Zero: no limit.
	MaxFailures int
	// Default 5 min.
	LockFor time.Duration
	// RecentLogin is a session's maximal age for sensitive changes. Default 5 min.
	RecentLogin time.Duration
	// Default 1 h.
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
