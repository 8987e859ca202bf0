package identity

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// snapshot holds private keys: mode 0600.
type snapshot struct {
	Version   int         `json:"version"`
	ProjectID string      `json:"projectId"`
	Keys      []storedKey `json:"keys"`
	SealKey   []byte      `json:"sealKey"`
	Hash      HashConfig  `json:"hash"`
	// LaterHashes have the versions from 1.
	LaterHashes []HashConfig  `json:"laterHashes,omitempty"`
	Config      projectConfig `json:"config"`
	Users       []account     `json:"users"`
	Codes       []code        `json:"codes"`
}

// storedKey keeps the certificate: its fingerprint is the key's id.
type storedKey struct {
	Private     []byte `json:"private"` // PKCS #1
	Certificate string `json:"certificate"`
}

const snapshotVersion = 1

// load refuses unreadable or foreign files: users must not vanish.
func (p *Provider) load() error {
	if p.opts.SnapshotPath == "" {
		return p.fresh()
	}
	content, err := os.ReadFile(p.opts.SnapshotPath)
	if errors.Is(err, fs.ErrNotExist) {
		return p.fresh()
	}
	if err != nil {
		return fmt.Errorf("identity: snapshot: %w", err)
	}
	var s snapshot
	if err := json.Unmarshal(content, &s); err != nil {
		return fmt.Errorf("identity: snapshot %s: %w", p.opts.SnapshotPath, err)
	}
	if s.Version != snapshotVersion || s.ProjectID != p.opts.ProjectID {
		return fmt.Errorf("identity: snapshot %s is of version %d and project %q", p.opts.SnapshotPath, s.Version, s.ProjectID)
	}
	return p.restore(s)
}

func (p *Provider) restore(s snapshot) error {
	if len(s.Keys) == 0 || len(s.SealKey) != 32 {
		return fmt.Errorf("identity: snapshot %s has no keys", p.opts.SnapshotPath)
	}
	for _, stored := range s.Keys {
		key, err := stored.restore(p.now())
		if err != nil {
			return fmt.Errorf("identity: snapshot key: %w", err)
		}
		p.keys = append(p.keys, key)
	}
	p.sealKey, p.config = s.SealKey, s.Config
	p.hashes.versions = append([]HashConfig{s.Hash}, s.LaterHashes...)
	for _, user := range s.Users {
		p.users.put(user)
	}
	for _, c := range s.Codes {
		p.sent++
		c.order = p.sent
		p.codes[c.Code] = c
	}
	return nil
}

func (s storedKey) restore(now time.Time) (signingKey, error) {
	private, err := x509.ParsePKCS1PrivateKey(s.Private)
	if err != nil {
		return signingKey{}, err
	}
	block, _ := pem.Decode([]byte(s.Certificate))
	if block == nil {
		return certify(private, now)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil || now.After(certificate.NotAfter) {
		return certify(private, now)
	}
	return signingKey{id: fingerprint(block.Bytes), private: private, certificate: s.Certificate}, nil
}

func (p *Provider) save() error {
	if p.opts.SnapshotPath == "" {
		return nil
	}
	content, err := json.Marshal(p.snapshot())
	if err != nil {
		return fmt.Errorf("identity: encode snapshot: %w", err)
	}
	return writeAtomically(p.opts.SnapshotPath, content)
}

func (p *Provider) snapshot() snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	hashes := p.hashes.all()
	s := snapshot{
		Version: snapshotVersion, ProjectID: p.opts.ProjectID, SealKey: p.sealKey, Hash: hashes[0], LaterHashes: hashes[1:], Config: p.config,
		Users: p.users.sorted(), Codes: p.sortedCodes(),
	}
	for _, key := range p.keys {
		s.Keys = append(s.Keys, storedKey{
			Private: x509.MarshalPKCS1PrivateKey(key.private), Certificate: key.certificate,
		})
	}
	return s
}

func writeAtomically(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("identity: snapshot: %w", err)
	}
	_, err = file.Write(content)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("identity: snapshot: %w", err), os.Remove(file.Name()))
	}
	return nil
}

// saver batches saves in the background. The next save repairs a failed one; close reports the last error.
type saver struct {
	delay time.Duration
	save  func() error

	mu      sync.Mutex
	timer   *time.Timer
	closed  bool
	writing sync.Mutex
}

func newSaver(delay time.Duration, save func() error) *saver { return &saver{delay: delay, save: save} }

func (s *saver) touch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer == nil && !s.closed {
		s.timer = time.AfterFunc(s.delay, func() { _ = s.flush() })
	}
}

func (s *saver) flush() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	s.timer = nil // later changes need another save
	s.mu.Unlock()
	return s.save()
}

func (s *saver) close() error {
	s.mu.Lock()
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	return s.flush()
}
