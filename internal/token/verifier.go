package token

import (
	"context"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// VerifierOptions configure a [Verifier]. Exactly one of Keys and AllowUnsigned is given: with both, a Firebase token's
// header would choose whether it is signed.
type VerifierOptions struct {
	// ProjectID is the Firebase project: the audience, and the end of the issuer. Required.
	ProjectID string
	// Tenant is the only Identity Platform tenant to accept; empty accepts tokens without one only (T2).
	Tenant string
	// Keys are Firebase's signing keys, for RS256.
	Keys *KeySet
	// AllowUnsigned accepts the official emulator's tokens: alg "none", empty signature, in place of RS256. Never in
	// production, which internal/config refuses.
	AllowUnsigned bool
	// Legacy checks the platform's own access tokens; nil refuses them all (LEGACY_TOKENS=off).
	Legacy *Legacy
	// OnFit is told, once each, that tokens of Firebase come and none has ever fitted the project and the tenant (FitNone), and that
	// one fits after all (FitSome). Nil tells nobody. It is called on the request's way and must not wait.
	OnFit func(Fit)
	// OnVerified receives the time at which Firebase signed a token that was just verified. It must not block. Nil: no call.
	OnVerified func(issued time.Time)
	// Clock defaults to time.Now. Legacy has its own.
	Clock func() time.Time
}

// Verifier checks tokens. Safe for concurrent use.
type Verifier struct {
	projectID     string
	issuer        string
	tenant        string
	keys          *KeySet
	allowUnsigned bool
	legacy        *Legacy
	clock         func() time.Time
	onVerified    func(issued time.Time)
	fits          fits
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
	if options.OnVerified == nil {
		options.OnVerified = func(time.Time) {}
	}
	if options.OnFit == nil {
		options.OnFit = func(Fit) {}
	}
	return &Verifier{
		projectID:     options.ProjectID,
		issuer:        firebaseIssuerPrefix + options.ProjectID,
		tenant:        options.Tenant,
		keys:          options.Keys,
		allowUnsigned: options.AllowUnsigned,
		legacy:        options.Legacy,
		clock:         options.Clock,
		onVerified:    options.OnVerified,
		fits:          fits{report: options.OnFit},
	}, nil
}

// Verify checks a compact JWT and returns what it claims. The header never selects a key (RFC 8725 section 3.1): HS256 is
// checked with the legacy secrets only, RS256 with Firebase's keys only, everything else is refused before any cryptography.
// Errors: ErrMissing, ErrMalformed, ErrExpired (good but for its end), or ErrUnavailable when no usable key is at hand, which
// is an outage and not a bad token. It waits only for a Firebase token with an unknown kid, briefly, and never longer than ctx.
func (v *Verifier) Verify(ctx context.Context, compact string) (Claims, error) {
	token, err := parseCompact(compact)
	if err != nil {
		return Claims{}, err
	}
	if v.legacy != nil && token.header.Algorithm == legacyMethod.Alg() {
		return v.legacy.verifyAccess(&token)
	}
	if err := v.admitFirebase(&token.header); err != nil {
		return Claims{}, err
	}
	return v.verifyFirebase(ctx, &token)
}

// admitFirebase lets one algorithm pass, and its spelling is ours, not the token's.
func (v *Verifier) admitFirebase(h *header) error {
	if v.allowUnsigned {
		if h.Algorithm != jwt.SigningMethodNone.Alg() {
			return malformed("signed, where only the emulator's unsigned tokens are")
		}
		return nil
	}
	switch {
	case h.Algorithm != jwt.SigningMethodRS256.Alg():
		return malformed("alg is of no family that is accepted")
	case h.KeyID == "":
		return malformed("no kid")
	}
	return nil
}

// verifyFirebase asks what is cheap first, so that a token of another project costs no RSA and causes no fetch of keys.
func (v *Verifier) verifyFirebase(ctx context.Context, token *compactToken) (Claims, error) {
	now := v.clock()
	var payload firebasePayload
	if err := unmarshalWithNUL(token.payload, &payload); err != nil {
		return Claims{}, malformed("the payload is not strict JSON of the expected types")
	}
	if err := payload.check(v, now); err != nil {
		if payload.foreign(v) {
			v.fits.foreign()
		}
		return Claims{}, err
	}
	if err := v.checkSignature(ctx, token); err != nil {
		return Claims{}, err
	}
	v.fits.fitted()
	if payload.expired(now) {
		return Claims{}, ErrExpired
	}
	v.onVerified(payload.IssuedAt.time())
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
