package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// session lives in its refresh token only; account fields end it.
type session struct {
	LocalID  string         `json:"u"`
	Provider string         `json:"p"`
	Started  time.Time      `json:"t"`
	Tenant   string         `json:"n,omitempty"`
	Factor   string         `json:"f,omitempty"`
	Extra    map[string]any `json:"x,omitempty"`
}

type tokens struct {
	IDToken      string `json:"idToken,omitempty"`
	RefreshToken string `json:"refreshToken,omitempty"`
	ExpiresIn    string `json:"expiresIn,omitempty"`
}

// issue sets LastRefreshAt. Caller holds mu.
func (p *Provider) issue(a account, s session) (tokens, error) {
	now := p.now()
	idToken, err := p.idToken(a, s, now)
	if err != nil {
		return tokens{}, err
	}
	refresh, err := p.seal(s)
	if err != nil {
		return tokens{}, err
	}
	a.LastRefreshAt = now
	p.users.put(a)
	p.changed()
	return tokens{
		IDToken: idToken, RefreshToken: refresh, ExpiresIn: fmt.Sprint(int(p.opts.TokenTTL / time.Second)),
	}, nil
}

func (p *Provider) start(a account, providerID string) session {
	return session{LocalID: a.LocalID, Provider: providerID, Started: p.now()}
}

func (p *Provider) idToken(a account, s session, now time.Time) (string, error) {
	key := p.keys[len(p.keys)-1]
	header := map[string]any{"alg": "RS256", "kid": key.id, "typ": "JWT"}
	claims, err := p.claims(a, s, now)
	if err != nil {
		return "", err
	}
	return signJWT(key.private, header, claims)
}

// claims lets Firebase's overwrite custom ones.
func (p *Provider) claims(a account, s session, now time.Time) (map[string]any, error) {
	claims := map[string]any{}
	if a.CustomAttributes != "" {
		if err := json.Unmarshal([]byte(a.CustomAttributes), &claims); err != nil {
			return nil, fmt.Errorf("custom claims of %s: %w", a.LocalID, err)
		}
	}
	maps.Copy(claims, s.Extra)
	setText(claims, "name", a.DisplayName)
	setText(claims, "picture", a.PhotoURL)
	setText(claims, "phone_number", a.PhoneNumber)
	if a.Email != "" {
		claims["email"] = a.Email
		claims["email_verified"] = a.EmailVerified
	}
	if s.Provider == ProviderAnonymous {
		claims["provider_id"] = ProviderAnonymous
	}
	maps.Copy(claims, p.registeredClaims(a.LocalID, s.Started, now))
	firebase := map[string]any{"identities": identities(a), "sign_in_provider": s.Provider}
	setText(firebase, "tenant", s.Tenant)
	if s.Factor != "" {
		firebase["sign_in_second_factor"], firebase["second_factor_identifier"] = secondFactorTOTP, s.Factor
	}
	claims["firebase"] = firebase
	return claims, nil
}

func (p *Provider) registeredClaims(localID string, authTime, now time.Time) map[string]any {
	return map[string]any{
		"iss":       p.issuer(),
		"aud":       p.opts.ProjectID,
		"auth_time": authTime.Unix(),
		"user_id":   localID,
		"sub":       localID,
		"iat":       now.Unix(),
		"exp":       now.Add(p.opts.TokenTTL).Unix(),
	}
}

func (p *Provider) issuer() string { return "https://securetoken.google.com/" + p.opts.ProjectID }

func setText(claims map[string]any, name, value string) {
	if value != "" {
		claims[name] = value
	}
}

func identities(a account) map[string][]string {
	ids := map[string][]string{}
	for _, p := range a.Providers {
		if p.RawID != "" {
			ids[p.ProviderID] = append(ids[p.ProviderID], p.RawID)
		}
	}
	if a.PhoneNumber != "" {
		ids[ProviderPhone] = []string{a.PhoneNumber}
	}
	if a.Email != "" {
		ids["email"] = []string{a.Email}
	}
	return ids
}

type idClaims struct {
	jwt.RegisteredClaims
	AuthTime int64 `json:"auth_time"`
	Firebase struct {
		SignInProvider string `json:"sign_in_provider"`
		Tenant         string `json:"tenant"`
		Factor         string `json:"second_factor_identifier"`
	} `json:"firebase"`
}

func (c idClaims) ours(p *Provider) bool {
	return c.Issuer == p.issuer() && slices.Equal(c.Audience, []string{p.opts.ProjectID}) && c.ExpiresAt != nil && c.IssuedAt != nil
}

func (c idClaims) session() session {
	return session{
		LocalID: c.Subject, Provider: c.Firebase.SignInProvider, Started: time.Unix(c.AuthTime, 0), Tenant: c.Firebase.Tenant,
		Factor: c.Firebase.Factor,
	}
}

func (c idClaims) continued(user account) session { return c.session().in(user) }

// in restores the start's milliseconds, which an ID token lacks.
func (s session) in(user account) session {
	if s.Started.Unix() == user.SessionsFrom.Unix() {
		s.Started = user.SessionsFrom
	}
	return s
}

// authenticate has Identity Toolkit's order: token, user, revocation, disabled. Caller holds mu.
func (p *Provider) authenticate(idToken string) (account, idClaims, error) {
	if idToken == "" {
		return account{}, idClaims{}, errMissingIDToken
	}
	var claims idClaims
	_, err := jwt.ParseWithClaims(idToken, &claims, p.verificationKey,
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithoutClaimsValidation())
	if err != nil || !claims.ours(p) {
		return account{}, idClaims{}, errInvalidIDToken
	}
	if !p.now().Before(claims.ExpiresAt.Time) {
		return account{}, idClaims{}, errTokenExpired
	}
	user, found := p.users.get(claims.Subject)
	switch {
	case !found:
		return account{}, idClaims{}, errUserNotFound
	case claims.IssuedAt.Before(user.ValidSince):
		return account{}, idClaims{}, errTokenExpired
	case user.Disabled:
		return account{}, idClaims{}, errUserDisabled
	}
	return user, claims, nil
}

func (p *Provider) verificationKey(token *jwt.Token) (any, error) {
	id, _ := token.Header["kid"].(string)
	for _, key := range p.keys {
		if key.id == id {
			return &key.private.PublicKey, nil
		}
	}
	return nil, errInvalidIDToken
}

func (p *Provider) recent(claims idClaims) error {
	if p.now().Sub(time.Unix(claims.AuthTime, 0)) > p.opts.RecentLogin {
		return errTooOld
	}
	return nil
}

func (p *Provider) seal(s session) (string, error) { return p.sealAs(sealSession, s) }

func (p *Provider) open(refreshToken string) (session, bool) {
	var s session
	return s, p.openAs(sealSession, refreshToken, &s)
}

// Kinds are authenticated: sealed texts must not be exchangeable.
const (
	sealSession    = ""
	sealPending    = "pending"
	sealEnrollment = "enrollment"
)

func (p *Provider) sealAs(kind string, content any) (string, error) {
	plain, err := json.Marshal(content)
	if err != nil {
		return "", fmt.Errorf("encode %T: %w", content, err)
	}
	aead, err := p.sealer()
	if err != nil {
		return "", err
	}
	nonce := p.randomBytes(aead.NonceSize())
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, []byte(kind))), nil
}

func (p *Provider) openAs(kind, text string, content any) bool {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	aead, err := p.sealer()
	if err != nil || len(sealed) < aead.NonceSize() {
		return false
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], []byte(kind))
	return err == nil && json.Unmarshal(plain, content) == nil
}

func (p *Provider) sealer() (cipher.AEAD, error) {
	block, err := aes.NewCipher(p.sealKey)
	if err != nil {
		return nil, fmt.Errorf("refresh token cipher: %w", err)
	}
	return cipher.NewGCM(block)
}
