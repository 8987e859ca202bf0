package identity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Provider is one project's identity provider, safe for concurrent use.
type Provider struct {
	opts    Options
	handler http.Handler
	faults  *faultTable
	saver   *saver

	randMu sync.Mutex
	hashes hashKeys

	// mu guards the fields below. Hashing runs without it.
	mu       sync.Mutex
	users    *store
	keys     []signingKey
	sealKey  []byte // fixed after New
	codes    map[string]code
	sent     int
	failures map[string]failure
	config   projectConfig
	shown    map[string]any

	closed    chan struct{}
	closeOnce sync.Once
}

// New loads the snapshot, if any. Close saves the last changes.
func New(opts Options) (*Provider, error) {
	if opts.ProjectID == "" {
		return nil, errors.New("identity: ProjectID is required")
	}
	opts = opts.withDefaults()
	if opts.KeyCount < 1 || opts.ScryptMemoryCost < 1 || opts.ScryptMemoryCost > maxMemoryCost {
		return nil, fmt.Errorf("identity: KeyCount must be positive and ScryptMemoryCost within 1 and %d", maxMemoryCost)
	}
	p := &Provider{
		opts: opts, users: newStore(), codes: map[string]code{}, failures: map[string]failure{}, closed: make(chan struct{}),
	}
	p.config.EmailPrivacy.EnableImprovedEmailPrivacy = !opts.EnumerationAllowed
	p.hashes.hidden = opts.HashesHidden
	p.faults = newFaultTable(p.closed)
	if err := p.load(); err != nil {
		return nil, err
	}
	p.saver = newSaver(opts.SnapshotDelay, p.save)
	p.handler = p.middleware(p.routes())
	return p, nil
}

func (p *Provider) fresh() error {
	keys, err := p.opts.newKeyRing()
	if err != nil {
		return err
	}
	p.keys = keys
	p.sealKey = p.randomBytes(32)
	config, err := p.newHashConfig()
	p.hashes.versions = []HashConfig{config}
	return err
}

// Handler serves all routes, with faults.
func (p *Provider) Handler() http.Handler { return p.handler }

// ProjectID is the served project.
func (p *Provider) ProjectID() string { return p.opts.ProjectID }

// Serve serves until ctx ends, gives open requests two seconds, saves and returns nil.
func (p *Provider) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: p.handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	rotation, stop := ticks(p.opts.RotateEvery)
	defer stop()
	for {
		select {
		case err := <-failed:
			return errors.Join(fmt.Errorf("identity: serve: %w", err), p.Close())
		case <-rotation:
			if err := p.RotateKeys(); err != nil {
				return errors.Join(err, server.Close(), p.Close())
			}
		case <-ctx.Done():
			return errors.Join(shutdown(ctx, server), p.Close())
		}
	}
}

func shutdown(ctx context.Context, server *http.Server) error {
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return server.Close()
	}
	return nil
}

func ticks(period time.Duration) (<-chan time.Time, func()) {
	if period <= 0 {
		return nil, func() {}
	}
	ticker := time.NewTicker(period)
	return ticker.C, ticker.Stop
}

// Close releases hanging requests and saves. It is idempotent; Serve calls it.
func (p *Provider) Close() error {
	var err error
	p.closeOnce.Do(func() {
		close(p.closed)
		err = p.saver.close()
	})
	return err
}

func (p *Provider) now() time.Time { return p.opts.Clock().UTC().Truncate(time.Millisecond) }

func (p *Provider) changed() {
	if p.saver != nil {
		p.saver.touch()
	}
}

func (p *Provider) randomBytes(n int) []byte {
	p.randMu.Lock()
	defer p.randMu.Unlock()
	b := make([]byte, n)
	if _, err := io.ReadFull(p.opts.Rand, b); err != nil {
		panic(fmt.Sprintf("identity: Options.Rand: %v", err))
	}
	return b
}

const idAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// randomID discards bytes that would bias it.
func (p *Provider) randomID(n int) string {
	id := make([]byte, 0, n)
	for len(id) < n {
		for _, b := range p.randomBytes(n) {
			if int(b) < 256-256%len(idAlphabet) && len(id) < n {
				id = append(id, idAlphabet[int(b)%len(idAlphabet)])
			}
		}
	}
	return string(id)
}

const localIDLength = 28

// Caller holds mu.
func (p *Provider) newLocalID() string {
	for {
		id := p.randomID(localIDLength)
		if _, taken := p.users.byID[id]; !taken {
			return id
		}
	}
}
