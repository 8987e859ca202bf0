package token

import (
	"context"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// VerifierOptions configures a [Verifier]. Exactly one of Keys and AllowUnsigned is set: with both, the header would choose whether a token
// is signed.
type VerifierOptions struct {
	// ProjectID is the audience and the issuer's end. Required.
	ProjectID string
	// Tenant is the only accepted tenant; empty accepts tokens without one (T2).
	Tenant string
	Keys   *KeySet
	// AllowUnsigned accepts only the emulator's unsigned tokens. internal/config refuses it in production.
	AllowUnsigned bool
	// Legacy checks access tokens; nil refuses them.
	Legacy *Legacy
	// OnFit receives FitNone and FitSome, once each. It must not block.
	OnFit func(Fit)
	// OnVerified receives a verified Firebase token's issue time. It must not block.
	OnVerified func(issued time.Time)
	Clock      func() time.Time
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

// NewVerifier returns a verifier for one project and one tenant.
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

// Verify checks a compact JWT. The header never selects a key (RFC 8725 section 3.1): HS256 uses the legacy secrets only, RS256 Firebase's
// keys only. Errors: ErrMissing, ErrMalformed, ErrExpired, ErrUnavailable. Only an unknown kid makes it wait, briefly and within ctx.
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

// verifyFirebase checks the signature after the payload: another project's token costs no RSA and no fetch.
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
