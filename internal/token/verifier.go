package token

import (
	"context"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// VerifierOptions configure a [Verifier]. Exactly one of Keys and AllowUnsigned is given: with both, a token's header would
// choose whether it is signed.
type VerifierOptions struct {
	// ProjectID is the Firebase project: the audience, and the end of the issuer. Required.
	ProjectID string
	// Tenant is the only Identity Platform tenant to accept; empty accepts tokens without one only (T2).
	Tenant string
	// Keys are Firebase's signing keys, for RS256.
	Keys *KeySet
	// AllowUnsigned accepts the official emulator's tokens: alg "none", empty signature, and nothing else. Never in
	// production, which internal/config refuses.
	AllowUnsigned bool
	// Clock defaults to time.Now.
	Clock func() time.Time
}

// Verifier checks tokens. Safe for concurrent use.
type Verifier struct {
	projectID     string
	issuer        string
	tenant        string
	keys          *KeySet
	allowUnsigned bool
	clock         func() time.Time
}

// NewVerifier makes a verifier for one Firebase project and, at most, one tenant.
func NewVerifier(options VerifierOptions) (*Verifier, error) {
	switch {
	case options.ProjectID == "":
		return nil, errors.New("token: a verifier needs a project id")
	case (options.Keys != nil) == options.AllowUnsigned:
		return nil, errors.New("token: a verifier takes either keys or unsigned tokens")
	}
	if options.Clock == nil {
		options.Clock = time.Now
	}
	return &Verifier{
		projectID:     options.ProjectID,
		issuer:        firebaseIssuerPrefix + options.ProjectID,
		tenant:        options.Tenant,
		keys:          options.Keys,
		allowUnsigned: options.AllowUnsigned,
		clock:         options.Clock,
	}, nil
}

// Verify checks a compact JWT and returns what it claims. The header never selects the key family (RFC 8725 section 3.1):
// RS256 is checked with Firebase's keys only, everything else is refused before any cryptography. Errors: ErrMissing,
// ErrMalformed, ErrExpired (good but for its end), or ErrUnavailable when no usable key is at hand, which is an outage and
// not a bad token. It waits only for a token with an unknown kid, briefly, and never longer than ctx.
func (v *Verifier) Verify(ctx context.Context, compact string) (Claims, error) {
	token, err := parseCompact(compact)
	if err != nil {
		return Claims{}, err
	}
	if err := v.admit(&token.header); err != nil {
		return Claims{}, err
	}
	return v.verifyFirebase(ctx, &token)
}

// admit lets one algorithm pass, and its spelling is ours, not the token's. The legacy family's HS256 will join here, with
// its own secrets and its own payload.
func (v *Verifier) admit(h *header) error {
	if v.allowUnsigned {
		if h.Algorithm != jwt.SigningMethodNone.Alg() {
			return malformed("signed, where only the emulator's unsigned tokens are")
		}
		return nil
	}
	switch {
	case h.Algorithm != jwt.SigningMethodRS256.Alg():
		return malformed("alg is not RS256")
	case h.KeyID == "":
		return malformed("no kid")
	}
	return nil
}

// verifyFirebase asks what is cheap first, so that a token of another project costs no RSA and causes no fetch of keys.
func (v *Verifier) verifyFirebase(ctx context.Context, token *compactToken) (Claims, error) {
	now := v.clock()
	var payload firebasePayload
	if err := unmarshalStrict(token.payload, &payload); err != nil {
		return Claims{}, malformed("the payload is not strict JSON of the expected types")
	}
	if err := payload.check(v, now); err != nil {
		return Claims{}, err
	}
	if err := v.checkSignature(ctx, token); err != nil {
		return Claims{}, err
	}
	if payload.expired(now) {
		return Claims{}, ErrExpired
	}
	return payload.claims(), nil
}

func (v *Verifier) checkSignature(ctx context.Context, token *compactToken) error {
	if v.allowUnsigned {
		if len(token.signature) != 0 {
			return malformed("alg none with a signature")
		}
		return nil
	}
	key, err := v.keys.publicKey(ctx, token.header.KeyID)
	if err != nil {
		return err
	}
	if jwt.SigningMethodRS256.Verify(token.signed, token.signature, key) != nil {
		return malformed("signature does not verify")
	}
	return nil
}
