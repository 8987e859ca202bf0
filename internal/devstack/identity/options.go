package identity

import (
	"crypto/rand"
	"crypto/rsa"
	"io"
	"time"
)

// Options configures a Provider. Only ProjectID is required; defaults match a new Firebase project.
type Options struct {
	// ProjectID is the only project and the tokens' audience.
	ProjectID string
	// APIKey is the accepted key. Empty: any, but one is required.
	APIKey string
	// Clock defaults to time.Now.
	Clock func() time.Time
	// Rand makes uids, salts, codes and seals, not keys. Default crypto/rand.
	Rand io.Reader
	// NewKey makes distinct RSA keys. Default: 2,048 bits (80 ms).
	NewKey func() (*rsa.PrivateKey, error)
	// SnapshotPath is the file for accounts, keys and mails. Empty: none.
	SnapshotPath string
	// SnapshotDelay collects changes before a write. Default 200 ms.
	SnapshotDelay time.Duration
	// TokenTTL is an ID token's life. Default 1 h.
	TokenTTL time.Duration
	// KeyCount is the number of published certificates; the newest signs. Default 2.
	KeyCount int
	// RotateEvery is Serve's rotation interval. Zero: none.
	RotateEvery time.Duration
	// CertMaxAge is for Cache-Control. Default 1 h.
	CertMaxAge time.Duration
	// ScryptMemoryCost is log2 of N. Default 14, Firebase's.
	ScryptMemoryCost int
	// EnumerationAllowed disables enumeration protection, as in projects before September 2023.
	EnumerationAllowed bool
	// MaxFailures wrong passwords in a row lock an address. Zero: no limit.
	MaxFailures int
	// LockFor defaults to 5 min.
	LockFor time.Duration
	// RecentLogin is a session's maximal age for sensitive changes. Default 5 min.
	RecentLogin time.Duration
	// CodeTTL is a mailed code's life. Default 1 h.
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
