package token

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// legacyDates are RFC 7519 sections 4.1.4 to 4.1.6.
type legacyDates struct {
	IssuedAt  numericDate `json:"iat"`
	ExpiresAt numericDate `json:"exp"`
	NotBefore numericDate `json:"nbf,omitzero"`
}

func datesOf(issued, expires time.Time) legacyDates {
	return legacyDates{IssuedAt: numericDate(issued.Unix()), ExpiresAt: numericDate(expires.Unix())}
}

// check bounds the life: a leaked secret can sign any exp.
func (d *legacyDates) check(now time.Time, most time.Duration) error {
	latest := numericDate(now.Add(clockSkew).Unix())
	switch {
	case d.IssuedAt <= 0 || d.ExpiresAt <= 0 || d.ExpiresAt > latestDate:
		return malformed("exp or iat is missing or no date")
	case d.ExpiresAt <= d.IssuedAt:
		return malformed("ends before it begins")
	case d.ExpiresAt-d.IssuedAt > numericDate(most/time.Second):
		return malformed("lives longer than its kind may")
	case d.IssuedAt > latest || d.NotBefore > latest:
		return malformed("iat or nbf is in the future")
	}
	return nil
}

func (d *legacyDates) expired(now time.Time) bool {
	return now.After(d.ExpiresAt.time().Add(clockSkew))
}

func (d *legacyDates) issued() time.Time { return d.IssuedAt.time() }

func (d *legacyDates) expires() time.Time { return d.ExpiresAt.time() }

// strangers are other issuers' members; any is a refusal (RFC 8725 section 3.12).
type strangers struct {
	Issuer   jsontext.Value `json:"iss,omitzero"`
	Subject  jsontext.Value `json:"sub,omitzero"`
	Audience jsontext.Value `json:"aud,omitzero"`
	Firebase jsontext.Value `json:"firebase,omitzero"`
}

func (s *strangers) check() error {
	if s.Issuer != nil || s.Subject != nil || s.Audience != nil || s.Firebase != nil {
		return malformed("members of another issuer's tokens")
	}
	return nil
}

// parseID accepts only the canonical spelling (RFC 9562 section 4), because services compare text.
func parseID(text string) (uuid.UUID, bool) {
	id, err := uuid.Parse(text)
	return id, err == nil && id != uuid.Nil && id.String() == text
}
