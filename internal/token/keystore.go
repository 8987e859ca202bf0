package token

import (
	"context"
	"time"
)

// KeySnapshot is the key server's last good answer (T3).
type KeySnapshot struct {
	// URL is the source; keys of another URL are never used.
	URL string
	// Document maps kid to a certificate in PEM, at most 1 MiB.
	Document []byte
	// FetchedAt is the request's time; the keys serve for 24 hours.
	FetchedAt  time.Time
	FreshUntil time.Time
}

// KeyStore keeps one snapshot for all instances. Its writers decide which tokens are accepted.
type KeyStore interface {
	// LoadKeys returns zero where nothing is stored.
	LoadKeys(ctx context.Context) (KeySnapshot, error)
	// SaveKeys never replaces a later snapshot of the same URL: instances race.
	SaveKeys(ctx context.Context, snapshot KeySnapshot) error
}
