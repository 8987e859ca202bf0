package token

import (
	"encoding/base64"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// legacyHeader is the old auth-service's, byte for byte.
const legacyHeader = `{"alg":"HS256","typ":"JWT"}`

// sign spells a payload in compact form (RFC 7515 section 7.1). The same payload and secret are the same string: members come
// in their struct's order, and HMAC has no randomness.
func (s secrets) sign(payload any) string {
	// Text comes from our own rows; a byte that is no UTF-8 would be replaced, not refused.
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
