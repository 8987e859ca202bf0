package identity

import (
	"encoding/json"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

const customTokenAudience = "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"

type customSignInRequest struct {
	Token string `json:"token"`
}

type customSignInResponse struct {
	Kind      string `json:"kind"`
	IsNewUser bool   `json:"isNewUser"`
	tokens
}

type customClaims struct {
	jwt.RegisteredClaims
	UID      string         `json:"uid"`
	UserID   string         `json:"user_id"`
	TenantID string         `json:"tenant_id"`
	Claims   map[string]any `json:"claims"`
}

// signInWithCustomToken does not verify the signature, like the emulator.
func (p *Provider) signInWithCustomToken(_ *call, in *customSignInRequest) (any, error) {
	if in.Token == "" {
		return nil, refuse("MISSING_CUSTOM_TOKEN")
	}
	claims, err := readCustomToken(in.Token)
	if err != nil {
		return nil, err
	}
	if claims.ExpiresAt != nil && !p.now().Before(claims.ExpiresAt.Time) {
		return nil, refuse("INVALID_CUSTOM_TOKEN : The custom token has expired.")
	}
	uid := first(claims.UID, claims.UserID)
	switch {
	case uid == "" || len(uid) > maxLocalIDLength:
		return nil, refuse("MISSING_IDENTIFIER")
	case claims.TenantID != "":
		return nil, errTenant
	}
	if err := checkDeveloperClaims(claims.Claims); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	user, found := p.users.get(uid)
	switch {
	case !found:
		user = p.newAccount(uid)
	case user.Disabled:
		return nil, errUserDisabled
	}
	user.CustomAuth, user.LastLoginAt = true, p.now()
	s := p.start(user, ProviderCustom)
	s.Extra = claims.Claims
	pair, err := p.issue(user, s)
	if err != nil {
		return nil, err
	}
	return customSignInResponse{Kind: "identitytoolkit#VerifyCustomTokenResponse", IsNewUser: !found, tokens: pair}, nil
}

// readCustomToken also reads the emulator's strict JSON.
func readCustomToken(token string) (customClaims, error) {
	var claims customClaims
	if strings.HasPrefix(token, "{") {
		if json.Unmarshal([]byte(token), &claims) != nil {
			return customClaims{}, refuse("INVALID_CUSTOM_TOKEN : The custom token is neither JSON nor a JWT.")
		}
		return claims, nil
	}
	if _, _, err := jwt.NewParser().ParseUnverified(token, &claims); err != nil {
		return customClaims{}, refuse("INVALID_CUSTOM_TOKEN : Invalid assertion format")
	}
	if len(claims.Audience) != 1 || claims.Audience[0] != customTokenAudience {
		return customClaims{}, refuse("INVALID_CUSTOM_TOKEN : The custom token is for another audience.")
	}
	return claims, nil
}

func checkDeveloperClaims(claims map[string]any) error {
	if claims == nil {
		return nil
	}
	serialised, err := json.Marshal(claims)
	if err != nil {
		return err
	}
	if refusal := checkClaims(string(serialised)); refusal != nil {
		return refusal
	}
	return nil
}
