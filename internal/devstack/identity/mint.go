package identity

import (
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"sync"
)

// MintOptions deforms a token. The zero value is valid.
type MintOptions struct {
	// Header overrides fields; nil removes one.
	Header map[string]any
	// Unsigned means alg "none" without a signature.
	Unsigned bool
	// HMACSecret signs with HS256 and keeps the kid: algorithm confusion.
	HMACSecret []byte
	// ForeignKey signs with an unpublished key and its kid.
	ForeignKey bool
}

// Mint signs Firebase's claims for "test-subject-0000000000000". claims overrides them: nil removes one, "sub" sets user_id too. No account
// is needed.
func (p *Provider) Mint(claims map[string]any, opts MintOptions) (string, error) {
	key, err := p.mintKey(opts.ForeignKey)
	if err != nil {
		return "", err
	}
	header := override(map[string]any{"alg": mintAlgorithm(opts), "kid": key.id, "typ": "JWT"}, opts.Header)
	body := p.mintClaims(claims)
	switch {
	case opts.Unsigned:
		input, err := signingInput(header, body)
		return input + ".", err
	case opts.HMACSecret != nil:
		input, err := signingInput(header, body)
		mac := hmac.New(sha256.New, opts.HMACSecret)
		mac.Write([]byte(input))
		return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), err
	default:
		return signJWT(key.private, header, body)
	}
}

func mintAlgorithm(opts MintOptions) string {
	switch {
	case opts.Unsigned:
		return "none"
	case opts.HMACSecret != nil:
		return "HS256"
	default:
		return "RS256"
	}
}

func (p *Provider) mintClaims(overrides map[string]any) map[string]any {
	now := p.now()
	claims := p.registeredClaims("test-subject-0000000000000", now, now)
	claims["firebase"] = map[string]any{"identities": map[string]any{}, "sign_in_provider": ProviderCustom}
	if subject, given := overrides["sub"]; given {
		claims["user_id"] = subject
	}
	return override(claims, overrides)
}

func override(base, overrides map[string]any) map[string]any {
	maps.Copy(base, overrides)
	for name, value := range overrides {
		if value == nil {
			delete(base, name)
		}
	}
	return base
}

var foreignKey = sync.OnceValues(func() (signingKey, error) { return Options{}.withDefaults().newSigningKey() })

func (p *Provider) mintKey(foreign bool) (signingKey, error) {
	if foreign {
		return foreignKey()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[len(p.keys)-1], nil
}

// ForeignPublicKey verifies MintOptions.ForeignKey's tokens.
func ForeignPublicKey() (*rsa.PublicKey, error) {
	key, err := foreignKey()
	if err != nil {
		return nil, err
	}
	return &key.private.PublicKey, nil
}
