package token

import (
	"context"
	"time"
)

// KeySnapshot is the key server's last good answer (T3).
type KeySnapshot struct {
	// URL is the source. A snapshot of another URL is never used.
	URL string
	// Document is the body, kid -> certificate in PEM, at most 1 MiB. It is checked again when loaded.
	Document []byte
	// FetchedAt is the time of the request; the keys serve for 24 hours from then.
	FetchedAt time.Time
	// FreshUntil is the end of max-age.
	FreshUntil time.Time
}

// KeyStore keeps one snapshot for all instances. Write access to it decides which tokens are accepted.
type KeyStore interface {
	// LoadKeys returns the zero value where nothing is stored.
	LoadKeys(ctx context.Context) (KeySnapshot, error)
	// SaveKeys keeps a stored snapshot of the same URL with a later FetchedAt: instances race.
	SaveKeys(ctx context.Context, snapshot KeySnapshot) error
}
