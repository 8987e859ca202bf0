package token

import (
	"context"
	"time"
)

// KeySnapshot is the last good answer of the key server, as it was received: what survives a restart (T3).
type KeySnapshot struct {
	// URL is where it came from. A snapshot of another URL is never used: another issuer's keys are not ours.
	URL string
	// Document is the body, kid -> certificate in PEM, at most 1 MiB. It is public and is checked again when loaded.
	Document []byte
	// FetchedAt is when it was asked for; its keys serve for 24 hours from then, restarts included.
	FetchedAt time.Time
	// FreshUntil is when the server's max-age ends.
	FreshUntil time.Time
}

// KeyStore keeps one snapshot for all instances. Whoever may write there decides whose tokens are accepted.
type KeyStore interface {
	// LoadKeys gives the stored snapshot, or the zero value and no error where there is none.
	LoadKeys(ctx context.Context) (KeySnapshot, error)
	// SaveKeys keeps the snapshot unless the stored one, of the same URL, has a later FetchedAt: instances race here.
	SaveKeys(ctx context.Context, snapshot KeySnapshot) error
}
