package token

import (
	"encoding/base64"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// legacyHeader equals the old auth-service's.
const legacyHeader = `{"alg":"HS256","typ":"JWT"}`

// sign is deterministic: members keep their order, and HMAC has no randomness.
func (s secrets) sign(payload any) string {
	// Invalid UTF-8 is replaced, not refused.
	body, err := json.Marshal(payload, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		panic(fmt.Sprintf("token: strings and numbers cannot be written: %v", err))
	}
	signed := base64.RawURLEncoding.EncodeToString([]byte(legacyHeader)) + "." + base64.RawURLEncoding.EncodeToString(body)
	signature, err := legacyMethod.Sign(signed, s[0])
	if err != nil {
		panic(fmt.Sprintf("token: HMAC-SHA256 is not linked: %v", err))
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}
