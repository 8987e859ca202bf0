package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// User is an account as tests make it and look at it.
type User struct {
	// UID names the account. Empty: the one with this Email or Phone where there is one, else a new one.
	UID           string         `json:"uid,omitempty"`
	Email         string         `json:"email,omitempty"`
	EmailVerified bool           `json:"emailVerified,omitempty"`
	Password      string         `json:"password,omitempty"` // set only on the way in
	DisplayName   string         `json:"displayName,omitempty"`
	PhotoURL      string         `json:"photoUrl,omitempty"`
	Phone         string         `json:"phone,omitempty"`
	Disabled      bool           `json:"disabled,omitempty"`
	CustomClaims  map[string]any `json:"customClaims,omitempty"`
	// RawID is the user's id at a federated provider. Empty: a random one, or the one it has.
	RawID string `json:"rawId,omitempty"`
	// Tenant is what the token will say in firebase.tenant. The provider itself knows no tenants.
	Tenant string `json:"tenant,omitempty"`

	// What only the provider sets.
	Providers   []string  `json:"providers,omitempty"`
	CreatedAt   time.Time `json:"createdAt,omitzero"`
	LastLoginAt time.Time `json:"lastLoginAt,omitzero"`
	ValidSince  time.Time `json:"validSince,omitzero"`
}

// Session is what a sign-in gives.
type Session struct {
	UID          string        `json:"uid"`
	IDToken      string        `json:"idToken"`
	RefreshToken string        `json:"refreshToken"`
	ExpiresIn    time.Duration `json:"-"`
}

// SignIn signs a user in through any provider ("password", "phone", "anonymous", "custom", "google.com", "apple.com", any
// other federated one) without proof, and makes or updates the account first: fields that are set in u win over what it
// has; EmailVerified is taken as it is whenever an e-mail is given.
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

// PutUser makes or updates an account without signing it in, by the same rules as SignIn, and gives its uid.
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

// joinProvider gives the account its identity at a federated provider. The mutex must be held.
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

// upsert finds or makes the account that u means and applies u to it. The mutex must be held.
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

// signInDemand is the body of POST /dev/signIn.
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
