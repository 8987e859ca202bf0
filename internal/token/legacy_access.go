package token

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// AccessClaims are an access token's claims. Zero AuthTime and SessionID are omitted.
type AccessClaims struct {
	UserID    uuid.UUID
	Email     string
	UserType  string
	SessionID uuid.UUID
	// AuthTime is the session's begin (T4).
	AuthTime time.Time
	IssuedAt time.Time
}

// The platform's services decode {id, email, user_type, iat, exp}.
type accessPayload struct {
	UserID    string         `json:"id"`
	Email     string         `json:"email"`
	UserType  string         `json:"user_type"`
	AuthTime  *numericDate   `json:"auth_time,omitzero"`
	SessionID *string        `json:"sid,omitzero"`
	ID        jsontext.Value `json:"jti,omitzero"`
	legacyDates
	strangers
}

// Access signs an access token and returns its life.
func (l *Legacy) Access(c AccessClaims) (compact string, life time.Duration) {
	p := accessPayload{
		UserID: c.UserID.String(), Email: c.Email, UserType: c.UserType,
		legacyDates: datesOf(c.IssuedAt, c.IssuedAt.Add(l.accessLife)),
	}
	if !c.AuthTime.IsZero() {
		p.AuthTime = new(numericDate(c.AuthTime.Unix()))
	}
	if c.SessionID != uuid.Nil {
		p.SessionID = new(c.SessionID.String())
	}
	return l.access.sign(&p), l.accessLife
}

func (l *Legacy) verifyAccess(token *compactToken) (Claims, error) {
	now := l.clock()
	var payload accessPayload
	if err := unmarshalStrict(token.payload, &payload); err != nil {
		return Claims{}, malformed("the payload is not strict JSON of the expected types")
	}
	claims, err := payload.claims(now)
	if err != nil {
		return Claims{}, err
	}
	if err := l.access.verify(token); err != nil {
		return Claims{}, err
	}
	if payload.expired(now) {
		return Claims{}, ErrExpired
	}
	return claims, nil
}

// claims holds T8 except signature and expiry.
func (p *accessPayload) claims(now time.Time) (Claims, error) {
	if err := p.strangers.check(); err != nil {
		return Claims{}, err
	}
	if p.ID != nil {
		return Claims{}, malformed("a refresh token's jti")
	}
	if err := p.legacyDates.check(now, MaxAccessLife); err != nil {
		return Claims{}, err
	}
	c := Claims{Kind: KindLegacy, Email: p.Email, AuthTime: p.issued(), IssuedAt: p.issued(), ExpiresAt: p.expires()}
	var ok bool
	if c.UserID, ok = parseID(p.UserID); !ok {
		return Claims{}, malformed("id is not a UUID")
	}
	if p.SessionID != nil {
		if c.SessionID, ok = parseID(*p.SessionID); !ok {
			return Claims{}, malformed("sid is not a UUID")
		}
	}
	if p.AuthTime != nil {
		if *p.AuthTime <= 0 || *p.AuthTime > numericDate(now.Add(clockSkew).Unix()) {
			return Claims{}, malformed("auth_time is no date or in the future")
		}
		c.AuthTime = p.AuthTime.time()
	}
	return c, nil
}
