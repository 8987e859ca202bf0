package user

import (
	"encoding/json"
	"slices"
	"time"
	"unicode/utf8"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/token"
)

// ErrUnsupportedIdentity refuses an anonymous token, a non-ASCII address, or an invalid uid (F2, F5, F6).
var ErrUnsupportedIdentity = fault.New(fault.UnsupportedIdentity,
	"this sign-in has no e-mail, phone or provider identity that an account can be made of")

// chk_firebase_uid_format and the column's width (F6).
const (
	minUID = 20
	maxUID = 128
)

type identity struct {
	uid           string
	email         string // canonical; "": none (F5)
	emailVerified bool
	provider      string
	displayName   string
	authTime      time.Time
	providerData  json.RawMessage
	actor         string // for the audit
	seen          bool   // false: brought in by an operator
}

func identityOf(claims token.Claims) (identity, error) {
	id := identity{
		uid: claims.Subject, emailVerified: claims.EmailVerified, provider: claims.SignInProvider,
		displayName: claims.Name, authTime: claims.AuthTime, actor: "token:" + claims.Subject, seen: true,
	}
	if n := utf8.RuneCountInString(id.uid); n < minUID || n > maxUID {
		return identity{}, ErrUnsupportedIdentity
	}
	if claims.Email != "" {
		email, err := CanonicalEmail(claims.Email)
		if err != nil {
			return identity{}, ErrUnsupportedIdentity.With(err)
		}
		id.email = email
	} else if claims.Phone == "" && len(claims.Identities) == 0 {
		return identity{}, ErrUnsupportedIdentity
	}
	data, err := json.Marshal(tokenFacts{Provider: id.provider, EmailVerified: id.emailVerified})
	if err != nil {
		return identity{}, err
	}
	id.providerData = data
	return id, nil
}

type tokenFacts struct {
	Provider      string `json:"provider"`
	EmailVerified bool   `json:"email_verified"`
}

// A row deleted after the account was made does not come back (F10). The first trusted provider counts.
func identityOfAccount(account firebase.User, trusted []string, actor string) (identity, error) {
	claims := token.Claims{
		Subject: account.UID, Email: account.Email, EmailVerified: account.EmailVerified, Name: account.DisplayName,
		Phone: account.Phone, AuthTime: account.CreatedAt, Identities: account.Providers,
	}
	for _, provider := range account.Providers {
		if claims.SignInProvider == "" || slices.Contains(trusted, provider) && !slices.Contains(trusted, claims.SignInProvider) {
			claims.SignInProvider = provider
		}
	}
	id, err := identityOf(claims)
	if err != nil {
		return identity{}, err
	}
	data := accountFacts(account)
	data["provider"] = id.provider
	id.actor, id.seen = actor, false
	id.providerData, err = json.Marshal(data)
	return id, err
}
