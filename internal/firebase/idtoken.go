package firebase

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// idTokenClaims follows https://firebase.google.com/docs/auth/admin/verify-id-tokens.
type idTokenClaims struct {
	Subject   string `json:"sub"`
	Audience  string `json:"aud"`
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp"`
	Firebase  struct {
		Tenant string `json:"tenant"`
	} `json:"firebase"`
}

// readIDToken verifies nothing: the token comes from Google.
func readIDToken(idToken string) (idTokenClaims, error) {
	segments := strings.Split(idToken, ".")
	if len(segments) != 3 {
		return idTokenClaims{}, errors.New("the ID token is no JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(segments[1])
	if err != nil {
		return idTokenClaims{}, err
	}
	var claims idTokenClaims
	if err := json.Unmarshal(payload, &claims); err != nil {
		return idTokenClaims{}, errors.New("the ID token's claims are no JSON object")
	}
	return claims, nil
}
