package token

import (
	"crypto/sha256"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

const maxTokenIDCharacters = 64

// RefreshClaims are a refresh token's claims, in whole seconds.
type RefreshClaims struct {
	UserID    uuid.UUID
	SessionID uuid.UUID
	// ID is the jti (RFC 7519 section 4.1.7), 1 to 64 characters, one for each turn. Empty where Foreign.
	ID        string
	IssuedAt  time.Time
	ExpiresAt time.Time
	// Foreign marks the old auth-service's tokens. Their SessionID is derived.
	Foreign bool
}

// The old auth-service's tokens have neither sid nor jti.
type refreshPayload struct {
	UserID    string         `json:"id"`
	SessionID *string        `json:"sid,omitzero"`
	ID        *string        `json:"jti,omitzero"`
	AuthTime  jsontext.Value `json:"auth_time,omitzero"`
	legacyDates
	strangers
}

// Refresh signs a refresh token. Equal claims give an equal string in all versions, so a successor is signed again (A5) and never stored
// (T6). It checks nothing.
func (l *Legacy) Refresh(c RefreshClaims) string {
	return l.refresh.sign(&refreshPayload{
		UserID: c.UserID.String(), SessionID: new(c.SessionID.String()), ID: new(c.ID), legacyDates: datesOf(c.IssuedAt, c.ExpiresAt),
	})
}

// VerifyRefresh checks a token, but not whether its session and turn are current. Errors: ErrMissing, ErrMalformed, ErrExpired.
func (l *Legacy) VerifyRefresh(compact string) (RefreshClaims, error) {
	token, err := parseCompact(compact)
	if err != nil {
		return RefreshClaims{}, err
	}
	if token.header.Algorithm != legacyMethod.Alg() {
		return RefreshClaims{}, malformed("alg is not HS256")
	}
	now := l.clock()
	var payload refreshPayload
	if err := unmarshalStrict(token.payload, &payload); err != nil {
		return RefreshClaims{}, malformed("the payload is not strict JSON of the expected types")
	}
	claims, err := payload.claims(now)
	if err != nil {
		return RefreshClaims{}, err
	}
	if err := l.refresh.verify(&token); err != nil {
		return RefreshClaims{}, err
	}
	if payload.expired(now) {
		return RefreshClaims{}, ErrExpired
	}
	if claims.Foreign {
		claims.SessionID = sessionOf(compact)
	}
	return claims, nil
}

func (p *refreshPayload) claims(now time.Time) (RefreshClaims, error) {
	if err := p.strangers.check(); err != nil {
		return RefreshClaims{}, err
	}
	if p.AuthTime != nil {
		return RefreshClaims{}, malformed("an access token's auth_time")
	}
	if err := p.legacyDates.check(now, MaxRefreshLife); err != nil {
		return RefreshClaims{}, err
	}
	c := RefreshClaims{IssuedAt: p.issued(), ExpiresAt: p.expires(), Foreign: p.SessionID == nil && p.ID == nil}
	var ok bool
	if c.UserID, ok = parseID(p.UserID); !ok {
		return RefreshClaims{}, malformed("id is not a UUID")
	}
	if c.Foreign {
		return c, nil
	}
	if p.SessionID == nil || p.ID == nil {
		return RefreshClaims{}, malformed("sid and jti are both there or neither")
	}
	if c.SessionID, ok = parseID(*p.SessionID); !ok {
		return RefreshClaims{}, malformed("sid is not a UUID")
	}
	if c.ID = *p.ID; c.ID == "" || utf8.RuneCountInString(c.ID) > maxTokenIDCharacters {
		return RefreshClaims{}, malformed("jti is not 1 to 64 characters")
	}
	return c, nil
}

// sessionOf makes a version 8 UUID (RFC 9562 section 5.8) from the token's SHA-256.
func sessionOf(compact string) uuid.UUID {
	digest := sha256.Sum256([]byte(compact))
	id := uuid.UUID(digest[:16])
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id
}
