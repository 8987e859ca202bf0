package token

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	firebaseIssuerPrefix = "https://securetoken.google.com/"
	maxSubjectCharacters = 128
	// clockSkew is T2's allowance both ways.
	clockSkew = 60 * time.Second
	// latestDate is RFC 3339's last second.
	latestDate = 253402300799
)

// firebasePayload has exact types: aud is one string, never a list. Zero means absent.
type firebasePayload struct {
	Issuer        string         `json:"iss"`
	Audience      string         `json:"aud"`
	Subject       string         `json:"sub"`
	ExpiresAt     numericDate    `json:"exp"`
	IssuedAt      numericDate    `json:"iat"`
	NotBefore     numericDate    `json:"nbf"`
	AuthTime      numericDate    `json:"auth_time"`
	Email         string         `json:"email"`
	EmailVerified bool           `json:"email_verified"`
	Name          profileClaim   `json:"name"`
	Picture       profileClaim   `json:"picture"`
	Phone         profileClaim   `json:"phone_number"`
	LegacySession *LegacySession `json:"legacy_session"`
	Firebase      struct {
		SignInProvider string     `json:"sign_in_provider"`
		Tenant         string     `json:"tenant"`
		Identities     identities `json:"identities"`
	} `json:"firebase"`
}

// check holds T2 except expiry, which comes last.
func (p *firebasePayload) check(v *Verifier, now time.Time) error {
	switch {
	case p.Issuer != v.issuer:
		return malformed("another issuer")
	case p.Audience != v.projectID:
		return malformed("another audience")
	case p.Firebase.Tenant != v.tenant:
		return malformed("another tenant")
	case p.Subject == "" || utf8.RuneCountInString(p.Subject) > maxSubjectCharacters:
		return malformed("subject is not 1 to 128 characters")
	case strings.Contains(p.Subject+p.Email+p.Firebase.SignInProvider, "\x00"):
		return malformed("NUL where it decides something")
	}
	if err := p.LegacySession.check(); err != nil {
		return err
	}
	return p.checkDates(now)
}

func (p *firebasePayload) checkDates(now time.Time) error {
	latest := numericDate(now.Add(clockSkew).Unix())
	switch {
	case p.ExpiresAt <= 0 || p.ExpiresAt > latestDate || p.IssuedAt <= 0 || p.AuthTime <= 0:
		return malformed("exp, iat or auth_time is missing or no date")
	case p.ExpiresAt <= p.IssuedAt:
		return malformed("ends before it begins")
	case p.IssuedAt > latest || p.AuthTime > latest || p.NotBefore > latest:
		return malformed("iat, nbf or auth_time is in the future")
	}
	return nil
}

func (p *firebasePayload) expired(now time.Time) bool {
	return now.After(p.ExpiresAt.time().Add(clockSkew))
}

func (p *firebasePayload) claims() Claims {
	c := Claims{
		Kind:           KindFirebase,
		Subject:        p.Subject,
		Email:          p.Email,
		EmailVerified:  p.EmailVerified,
		Name:           string(p.Name),
		Picture:        string(p.Picture),
		Phone:          string(p.Phone),
		SignInProvider: p.Firebase.SignInProvider,
		Tenant:         p.Firebase.Tenant,
		Identities:     p.Firebase.Identities,
		AuthTime:       p.AuthTime.time(),
		IssuedAt:       p.IssuedAt.time(),
		ExpiresAt:      p.ExpiresAt.time(),
	}
	p.LegacySession.into(&c)
	return c
}

// identities are provider names. Google documents the values as "any", so any shape passes.
type identities []string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (i *identities) UnmarshalJSONFrom(document *jsontext.Decoder) error {
	switch document.PeekKind() {
	case 'n':
		return document.SkipValue()
	case '{':
	default:
		return errNotStrictJSON
	}
	if _, err := document.ReadToken(); err != nil {
		return err
	}
	for document.PeekKind() == '"' {
		provider, err := document.ReadToken()
		if err != nil {
			return err
		}
		*i = append(*i, provider.String())
		if err := document.SkipValue(); err != nil {
			return err
		}
	}
	_, err := document.ReadToken()
	return err
}
