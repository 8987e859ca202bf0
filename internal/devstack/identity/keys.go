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

// signingKey is an RSA key with the self-signed certificate that is published for it. Its id is the certificate's SHA-1,
// as Google's are.
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

// certify makes the certificate. Google's live about two weeks; so do these, and a little before now for clocks that lag.
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

// fingerprint names a key as Google does, by the SHA-1 of its certificate; nothing is protected by it.
func fingerprint(der []byte) string {
	sum := sha1.Sum(der)
	return hex.EncodeToString(sum[:])
}

// newKeyRing makes KeyCount keys; the last one signs.
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

// RotateKeys brings in a new signing key and drops the oldest published one. Tokens of a dropped key no longer verify.
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

// KeyID is the id of the key that signs at the moment.
func (p *Provider) KeyID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[len(p.keys)-1].id
}

// Certificates is what the certificate endpoint publishes: key id -> PEM of an X.509 certificate.
func (p *Provider) Certificates() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	published := make(map[string]string, len(p.keys))
	for _, key := range p.keys {
		published[key.id] = key.certificate
	}
	return published
}

// PublicKey is the published key with this id.
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

// signJWT makes a compact RS256 token.
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
