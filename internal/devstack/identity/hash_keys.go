package identity

import (
	"errors"
	"slices"
	"sync"
)

// hashKeys are the project's scrypt parameters by version. The last one hashes.
type hashKeys struct {
	mu       sync.RWMutex
	versions []HashConfig
	hidden   bool
}

var errBadHashConfig = errors.New("identity: Options.HashConfig needs a SignerKey, Rounds within 1 and 8 and a MemoryCost within 1 and 14")

func (c HashConfig) valid() bool {
	return len(c.SignerKey) > 0 && c.Rounds >= 1 && c.Rounds <= maxRounds && c.MemoryCost >= 1 && c.MemoryCost <= maxMemoryCost
}

func (k *hashKeys) current() (int, HashConfig) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	last := len(k.versions) - 1
	return last, k.versions[last]
}

func (k *hashKeys) of(h passwordHash) HashConfig {
	if h.Config != nil {
		return *h.Config
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.versions[h.Version]
}

func (k *hashKeys) all() []HashConfig {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return slices.Clone(k.versions)
}

// access is what a caller sees of hashes.
func (k *hashKeys) access(admin bool) hashAccess {
	k.mu.RLock()
	defer k.mu.RUnlock()
	switch {
	case !admin:
		return hashesOfClient
	case k.hidden:
		return hashesRedacted
	}
	return hashesShown
}

func (p *Provider) newHashConfig() (HashConfig, error) {
	if p.opts.HashConfig != nil {
		config := *p.opts.HashConfig
		config.Algorithm = algorithmScrypt
		if !config.valid() {
			return HashConfig{}, errBadHashConfig
		}
		return config, nil
	}
	return HashConfig{
		Algorithm: algorithmScrypt, SignerKey: p.randomBytes(64), SaltSeparator: []byte{7},
		Rounds: maxRounds, MemoryCost: p.opts.ScryptMemoryCost,
	}, nil
}

// HashConfig returns the parameters of new hashes.
func (p *Provider) HashConfig() HashConfig {
	_, config := p.hashes.current()
	return config
}

// HashConfigs returns the parameters of all hashes by version.
func (p *Provider) HashConfigs() []HashConfig { return p.hashes.all() }

// RotateHashKey gives later passwords another signer key and returns its version.
func (p *Provider) RotateHashKey() int {
	_, next := p.hashes.current()
	next.SignerKey = p.randomBytes(64)
	p.hashes.mu.Lock()
	defer p.hashes.mu.Unlock()
	p.hashes.versions = append(p.hashes.versions, next)
	p.changed()
	return len(p.hashes.versions) - 1
}

// HideHashes takes firebaseauth.configs.getHashConfig from all callers: hashes are "REDACTED" and the configuration lacks hashConfig.
func (p *Provider) HideHashes(hidden bool) {
	p.hashes.mu.Lock()
	defer p.hashes.mu.Unlock()
	p.hashes.hidden = hidden
}

func (p *Provider) rotateHashKeyOnDemand(*call, *empty) (any, error) {
	return map[string]int{"version": p.RotateHashKey()}, nil
}

type hideHashesDemand struct {
	Hidden bool `json:"hidden"`
}

func (p *Provider) hideHashesOnDemand(_ *call, in *hideHashesDemand) (any, error) {
	p.HideHashes(in.Hidden)
	return in, nil
}
