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
	// maxKeyAge is how long the last good keys serve when the server cannot be asked (T3).
	maxKeyAge = 24 * time.Hour
	// unknownKeyInterval is the least time between the fetches that unknown kids cause, and how long "I have just asked"
	// holds: within it an unknown kid is a bad token, beyond it we do not know (T3).
	unknownKeyInterval = time.Minute
	// unknownKeyWait bounds how long one token waits for a fetch: verify-token answers within 2 s (O3).
	unknownKeyWait = 1500 * time.Millisecond
)

// KeySetOptions configure a [KeySet].
type KeySetOptions struct {
	// URL defaults to [GoogleCertificatesURL].
	URL string
	// AllowInsecureLoopback lets the URL be http on loopback: the development provider's.
	AllowInsecureLoopback bool
	// Client fetches the document; its redirect policy is replaced. Defaults to a client of its own.
	Client *http.Client
	// Store keeps the last good keys across restarts; nil keeps them in memory only.
	Store KeyStore
	// Clock defaults to time.Now.
	Clock func() time.Time
	// Logger defaults to none.
	Logger *slog.Logger
	// OnAnswer receives, for each answer of the key server, when the request was sent and the answer came, by Clock, and its header.
	// Nil: no call.
	OnAnswer func(sent, received time.Time, header http.Header)
	// OnFetch follows every attempt to fetch the keys, with its error where it failed; for a metric. It is called from the
	// goroutine that fetches, never from a verification. Nil means that nobody hears.
	OnFetch func(err error)
}

// KeySet holds Firebase's public keys and keeps them fresh (T3). A verification with a known kid is one atomic load and one
// map look-up, also during a fetch; fetches run one at a time in the background. Safe for concurrent use.
type KeySet struct {
	server  *keyServer
	store   KeyStore
	clock   func() time.Time
	logger  *slog.Logger
	onFetch func(err error)

	current  atomic.Pointer[keyGeneration]
	lifetime context.Context // of the background work: from Start to Close or the end of Start's context
	stop     context.CancelFunc
	work     sync.WaitGroup

	mu       sync.Mutex // guards what follows; never held during I/O
	started  bool
	running  bool // stored keys are loaded, so a fetch cannot be overtaken by them
	inFlight *fetchAttempt
	askedAt  time.Time // when the last attempt began
	failures int       // attempts that failed since the last good one
	failure  error     // of the last attempt
}

// keyGeneration is one good answer of the key server. Immutable.
type keyGeneration struct {
	keys       map[string]*rsa.PublicKey
	fetchedAt  time.Time
	freshUntil time.Time
}

// fetchAttempt is a fetch that others may wait for.
type fetchAttempt struct{ done chan struct{} }

// NewKeySet makes a key set that is empty until Start.
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

// Start loads the stored snapshot, begins a first fetch and refreshes in the background until ctx ends or Close. Only where
// nothing usable was stored does it wait for that fetch, 5 s at most; that the key server is away is no error, for the
// service starts anyway and is not ready ([KeySet.Usable]). It fails only when called twice or after Close.
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

// Close ends the background work and waits for it. Known keys go on verifying, so that requests in flight can end well.
func (k *KeySet) Close() {
	k.mu.Lock() // so that no attempt is between its check of lifetime and joining work
	k.stop()
	k.mu.Unlock()
	k.work.Wait()
}

// Usable is nil while there are keys to verify with: fetched well, here or by whoever stored them, within 24 hours.
func (k *KeySet) Usable() error {
	if k.live() != nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return ErrUnavailable.With(fmt.Errorf("no key set of the last 24 hours; last fetch: %w", k.failure))
}

// FetchedAt is when the keys in use were fetched, and false where there are none: a gauge of their age.
func (k *KeySet) FetchedAt() (time.Time, bool) {
	if generation := k.current.Load(); generation != nil {
		return generation.fetchedAt, true
	}
	return time.Time{}, false
}

// publicKey gives the key of a kid. Where the keys at hand cannot decide, it joins the fetch under way or causes one, at most
// one a minute, waits briefly, and looks again.
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

// find decides from the keys at hand: ErrMalformed for a kid that a set of the last minute does not list, ErrUnavailable for
// what they are too old to decide.
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

// live is the generation in use, or nil where there is none or it is over a day old.
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
