package token

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// minKeyBits is RS256's minimum (RFC 7518 section 3.3).
const minKeyBits = 2048

// maxKeyBits bounds the cost of a check, which grows with the square of the length.
const maxKeyBits = 8192

var errNoKeys = errors.New("the document holds no usable key")

// parseCertificates reads Google's document, kid -> X.509 certificate in PEM. It skips unusable entries and reports them to warn. Without a
// usable key it fails.
func parseCertificates(document []byte, now time.Time, warn func(kid string, err error)) (map[string]*rsa.PublicKey, error) {
	var certificates map[string]string
	if err := unmarshalStrict(document, &certificates); err != nil {
		return nil, fmt.Errorf("key document: %w", err)
	}
	keys := make(map[string]*rsa.PublicKey, len(certificates))
	for kid, text := range certificates {
		certificate, err := parseCertificate(text)
		if err != nil {
			warn(kid, err)
			continue
		}
		if now.After(certificate.NotAfter) {
			warn(kid, errors.New("the certificate has run out; its key is used as long as it is listed"))
		}
		keys[kid], _ = certificate.PublicKey.(*rsa.PublicKey)
	}
	if len(keys) == 0 {
		return nil, errNoKeys
	}
	return keys, nil
}

func parseCertificate(text string) (*x509.Certificate, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" || len(rest) > 0 {
		return nil, errors.New("not one PEM certificate")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	key, ok := certificate.PublicKey.(*rsa.PublicKey)
	switch {
	case !ok:
		return nil, errors.New("the key is not RSA")
	case key.N.BitLen() < minKeyBits:
		return nil, fmt.Errorf("the RSA key has %d bits, fewer than %d", key.N.BitLen(), minKeyBits)
	case key.N.BitLen() > maxKeyBits:
		return nil, fmt.Errorf("the RSA key has %d bits, more than %d", key.N.BitLen(), maxKeyBits)
	}
	return certificate, nil
}
