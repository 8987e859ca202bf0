package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// User is an account for tests.
type User struct {
	// UID empty selects by Email or Phone, else a new account.
	UID           string         `json:"uid,omitempty"`
	Email         string         `json:"email,omitempty"`
	EmailVerified bool           `json:"emailVerified,omitempty"`
	Password      string         `json:"password,omitempty"` // input only
	DisplayName   string         `json:"displayName,omitempty"`
	PhotoURL      string         `json:"photoUrl,omitempty"`
	Phone         string         `json:"phone,omitempty"`
	Disabled      bool           `json:"disabled,omitempty"`
	CustomClaims  map[string]any `json:"customClaims,omitempty"`
	// RawID empty keeps the existing one or makes one.
	RawID string `json:"rawId,omitempty"`
	// Tenant only sets firebase.tenant in the token.
	Tenant string `json:"tenant,omitempty"`

	// Output only.
	Providers   []string  `json:"providers,omitempty"`
	CreatedAt   time.Time `json:"createdAt,omitzero"`
	LastLoginAt time.Time `json:"lastLoginAt,omitzero"`
	ValidSince  time.Time `json:"validSince,omitzero"`
}

// Session is a sign-in's result.
type Session struct {
	UID          string        `json:"uid"`
	IDToken      string        `json:"idToken"`
	RefreshToken string        `json:"refreshToken"`
	ExpiresIn    time.Duration `json:"-"`
}

// SignIn applies PutUser's changes and signs in without proof, through any provider.
func (p *Provider) SignIn(ctx context.Context, u User, providerID string) (Session, error) {
	if err := ctx.Err(); err != nil {
		return Session{}, err
	}
	password, err := p.hashIfStrong(u.Password)
	if err != nil {
		return Session{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a, err := p.upsert(u, password)
	if err != nil {
		return Session{}, err
	}
	if a.Disabled {
		return Session{}, errUserDisabled
	}
	p.joinProvider(&a, u, providerID)
	a.LastLoginAt = p.now()
	s := p.start(a, providerID)
	s.Tenant = u.Tenant
	pair, err := p.issue(a, s)
	if err != nil {
		return Session{}, err
	}
	return Session{UID: a.LocalID, IDToken: pair.IDToken, RefreshToken: pair.RefreshToken, ExpiresIn: p.opts.TokenTTL}, nil
}

// PutUser creates or updates an account and returns its uid. Set fields win. An Email sets EmailVerified.
func (p *Provider) PutUser(u User) (string, error) {
	password, err := p.hashIfStrong(u.Password)
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a, err := p.upsert(u, password)
	if err != nil {
		return "", err
	}
	p.users.put(a)
	p.changed()
	return a.LocalID, nil
}

// Caller holds mu.
func (p *Provider) joinProvider(a *account, u User, providerID string) {
	switch providerID {
	case ProviderPassword, ProviderPhone, ProviderAnonymous:
		return
	case ProviderCustom:
		a.CustomAuth = true
		return
	}
	raw := u.RawID
	for _, linked := range a.Providers {
		if linked.ProviderID == providerID {
			raw = first(raw, linked.RawID)
		}
	}
	a.linkProvider(provider{
		ProviderID: providerID, RawID: first(raw, p.randomID(21)), Email: a.Email, DisplayName: a.DisplayName, PhotoURL: a.PhotoURL,
	})
}

// Caller holds mu.
func (p *Provider) upsert(u User, password passwordHash) (account, error) {
	a := p.find(u)
	if err := p.checkUser(u, a); err != nil {
		return account{}, err
	}
	if u.Email != "" {
		a.Email, a.EmailVerified = canonicalEmail(u.Email), u.EmailVerified
	}
	if password.set() {
		a.Password, a.PasswordAt = password, p.now()
		a.revokeSessions(p.now())
	}
	a.DisplayName = first(u.DisplayName, a.DisplayName)
	a.PhotoURL = first(u.PhotoURL, a.PhotoURL)
	a.PhoneNumber = first(u.Phone, a.PhoneNumber)
	a.Disabled = a.Disabled || u.Disabled
	if u.CustomClaims != nil {
		claims, err := json.Marshal(u.CustomClaims)
		if err != nil {
			return account{}, fmt.Errorf("identity: custom claims: %w", err)
		}
		a.CustomAttributes = string(claims)
	}
	return a, nil
}

func (p *Provider) find(u User) account {
	if u.UID != "" {
		if a, found := p.users.get(u.UID); found {
			return a
		}
		return p.newAccount(u.UID)
	}
	if a, found := p.users.email(u.Email); found && u.Email != "" {
		return a
	}
	if a, found := p.users.phone(u.Phone); found && u.Phone != "" {
		return a
	}
	return p.newAccount("")
}

func (p *Provider) checkUser(u User, a account) error {
	if other, taken := p.users.email(u.Email); taken && other.LocalID != a.LocalID {
		return errEmailExists
	}
	if other, taken := p.users.phone(u.Phone); taken && other.LocalID != a.LocalID {
		return errPhoneExists
	}
	switch {
	case u.Email != "" && !strings.Contains(u.Email, "@"):
		return errInvalidEmail
	case u.Password != "" && !strongEnough(u.Password):
		return errWeakPassword
	}
	return nil
}

type signInDemand struct {
	Provider string `json:"provider"`
	User     User   `json:"user"`
}

func (p *Provider) signInOnDemand(c *call, in *signInDemand) (any, error) {
	if in.Provider == "" {
		return nil, refuse("MISSING_PROVIDER_ID")
	}
	if u := in.User; u.Providers != nil || !u.CreatedAt.IsZero() || !u.LastLoginAt.IsZero() || !u.ValidSince.IsZero() {
		return nil, invalidArgument("The fields providers, createdAt, lastLoginAt and validSince of a user are the provider's to set.")
	}
	return p.SignIn(c.request.Context(), in.User, in.Provider)
}
