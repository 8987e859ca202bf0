package token

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxKeyAge is how long keys serve in an outage (T3).
	maxKeyAge = 24 * time.Hour
	// unknownKeyInterval separates fetches for unknown kids. Within it an unknown kid is a bad token (T3).
	unknownKeyInterval = time.Minute
	// unknownKeyWait fits verify-token's 2 s (O3).
	unknownKeyWait = 1500 * time.Millisecond
)

// KeySetOptions configures a [KeySet].
type KeySetOptions struct {
	URL string
	// AllowInsecureLoopback permits http on loopback.
	AllowInsecureLoopback bool
	Client                *http.Client
	// Store keeps the last good keys across restarts.
	Store  KeyStore
	Clock  func() time.Time
	Logger *slog.Logger
	// OnAnswer receives each answer's times, by Clock, and header.
	OnAnswer func(sent, received time.Time, header http.Header)
	// OnFetch receives each fetch's result, in its goroutine.
	OnFetch func(err error)
}

// KeySet holds Firebase's public keys and refreshes them, one fetch at a time (T3). A known kid costs no lock. Safe for concurrent use.
type KeySet struct {
	server  *keyServer
	store   KeyStore
	clock   func() time.Time
	logger  *slog.Logger
	onFetch func(err error)

	current  atomic.Pointer[keyGeneration]
	lifetime context.Context
	stop     context.CancelFunc
	work     sync.WaitGroup

	mu       sync.Mutex // guards the fields below; never held during I/O
	started  bool
	running  bool // stored keys are loaded
	inFlight *fetchAttempt
	askedAt  time.Time
	failures int // in a row
	failure  error
}

type keyGeneration struct {
	keys       map[string]*rsa.PublicKey
	fetchedAt  time.Time
	freshUntil time.Time
}

type fetchAttempt struct{ done chan struct{} }

// NewKeySet returns an empty key set.
func NewKeySet(options KeySetOptions) (*KeySet, error) {
	if options.URL == "" {
		options.URL = GoogleCertificatesURL
	}
	if options.Clock == nil {
		options.Clock = time.Now
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.OnFetch == nil {
		options.OnFetch = func(error) {}
	}
	server, err := newKeyServer(options.URL, options.Client, options.AllowInsecureLoopback)
	if err != nil {
		return nil, err
	}
	server.clock, server.onAnswer = options.Clock, options.OnAnswer
	lifetime, stop := context.WithCancel(context.Background())
	return &KeySet{
		server: server, store: options.Store, clock: options.Clock, logger: options.Logger, onFetch: options.OnFetch,
		lifetime: lifetime, stop: stop, failure: errors.New("none yet"),
	}, nil
}

// Start loads the stored keys and refreshes them until ctx ends or Close. Only without usable stored keys it waits for a fetch, 5 s at
// most. An unreachable server is no error: see [KeySet.Usable]. Start fails on a second call and after Close.
func (k *KeySet) Start(ctx context.Context) error {
	if !k.claimStart() {
		return errors.New("token: a key set starts once")
	}
	context.AfterFunc(ctx, k.stop)
	k.loadStored(ctx)
	if first := k.open(); first != nil && k.live() == nil {
		first.wait(ctx)
	}
	return nil
}

func (k *KeySet) claimStart() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.started || k.lifetime.Err() != nil {
		return false
	}
	k.started = true
	return true
}

// Close ends and awaits the background work. Known keys still verify.
func (k *KeySet) Close() {
	k.mu.Lock() // keeps k.begin from adding work after k.stop
	k.stop()
	k.mu.Unlock()
	k.work.Wait()
}

// Usable returns nil while the keys are younger than 24 hours.
func (k *KeySet) Usable() error {
	if k.live() != nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return ErrUnavailable.With(fmt.Errorf("no key set of the last 24 hours; last fetch: %w", k.failure))
}

// FetchedAt returns the fetch time of the keys.
func (k *KeySet) FetchedAt() (time.Time, bool) {
	if generation := k.current.Load(); generation != nil {
		return generation.fetchedAt, true
	}
	return time.Time{}, false
}

// publicKey waits for a fetch where the keys cannot decide, at most one a minute.
func (k *KeySet) publicKey(ctx context.Context, kid string) (*rsa.PublicKey, error) {
	key, err := k.find(kid)
	if err == nil || !errors.Is(err, ErrUnavailable) {
		return key, err
	}
	attempt := k.fetch(unknownKeyInterval)
	if attempt == nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, unknownKeyWait)
	defer cancel()
	attempt.wait(ctx)
	return k.find(kid)
}

// find returns ErrMalformed for a kid that fresh keys lack, ErrUnavailable where older keys cannot decide.
func (k *KeySet) find(kid string) (*rsa.PublicKey, error) {
	generation := k.live()
	if generation == nil {
		return nil, ErrUnavailable
	}
	if key, known := generation.keys[kid]; known {
		return key, nil
	}
	if k.clock().Sub(generation.fetchedAt) < unknownKeyInterval {
		return nil, malformed("unknown kid")
	}
	return nil, ErrUnavailable
}

func (k *KeySet) live() *keyGeneration {
	generation := k.current.Load()
	if generation == nil || k.clock().Sub(generation.fetchedAt) >= maxKeyAge {
		return nil
	}
	return generation
}

func (a *fetchAttempt) wait(ctx context.Context) {
	select {
	case <-a.done:
	case <-ctx.Done():
	}
}
