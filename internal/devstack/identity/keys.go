package identity

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

const keyBits = 2048

// signingKey's id is its certificate's SHA-1, as at Google.
type signingKey struct {
	id          string
	private     *rsa.PrivateKey
	certificate string
}

func (o Options) newSigningKey() (signingKey, error) {
	private, err := o.NewKey()
	if err != nil {
		return signingKey{}, fmt.Errorf("generate signing key: %w", err)
	}
	return certify(private, o.Clock())
}

// certify follows Google's certificates, which live about two weeks. NotBefore allows slow clocks.
func certify(private *rsa.PrivateKey, now time.Time) (signingKey, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return signingKey{}, fmt.Errorf("certificate serial: %w", err)
	}
	template := x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "securetoken.system.gserviceaccount.com"},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(16 * 24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},

		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &private.PublicKey, private)
	if err != nil {
		return signingKey{}, fmt.Errorf("certificate: %w", err)
	}
	return signingKey{
		id:          fingerprint(der),
		private:     private,
		certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
	}, nil
}

// fingerprint is a name only: SHA-1 protects nothing here.
func fingerprint(der []byte) string {
	sum := sha1.Sum(der)
	return hex.EncodeToString(sum[:])
}

func (o Options) newKeyRing() ([]signingKey, error) {
	ring := make([]signingKey, 0, o.KeyCount)
	for range o.KeyCount {
		key, err := o.newSigningKey()
		if err != nil {
			return nil, err
		}
		ring = append(ring, key)
	}
	return ring, nil
}

// RotateKeys adds a signing key and drops the oldest. Tokens of a dropped key no longer verify.
func (p *Provider) RotateKeys() error {
	key, err := p.opts.newSigningKey()
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = append(p.keys, key)
	if extra := len(p.keys) - p.opts.KeyCount; extra > 0 {
		p.keys = append([]signingKey(nil), p.keys[extra:]...)
	}
	p.changed()
	return nil
}

// KeyID is the signing key's id.
func (p *Provider) KeyID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[len(p.keys)-1].id
}

// Certificates maps key ids to PEM certificates.
func (p *Provider) Certificates() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	published := make(map[string]string, len(p.keys))
	for _, key := range p.keys {
		published[key.id] = key.certificate
	}
	return published
}

// PublicKey returns the published key of an id.
func (p *Provider) PublicKey(id string) (*rsa.PublicKey, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, key := range p.keys {
		if key.id == id {
			return &key.private.PublicKey, true
		}
	}
	return nil, false
}

func signJWT(private *rsa.PrivateKey, header, claims map[string]any) (string, error) {
	input, err := signingInput(header, claims)
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256([]byte(input))
	signature, err := rsa.SignPKCS1v15(nil, private, crypto.SHA256, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

func signingInput(header, claims map[string]any) (string, error) {
	first, err := segment(header)
	if err != nil {
		return "", err
	}
	second, err := segment(claims)
	if err != nil {
		return "", err
	}
	return first + "." + second, nil
}

func segment(value map[string]any) (string, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", fmt.Errorf("encode token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(bytes.TrimSpace(buffer.Bytes())), nil
}
