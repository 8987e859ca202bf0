package identity

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
)

const (
	minPasswordLength = 6
	maxEmailLength    = 256
	maxClaimsLength   = 1000
	maxLocalIDLength  = 128
)

func canonicalEmail(address string) string { return strings.ToLower(address) }

// validEmail follows Firebase, stricter than the emulator.
func validEmail(address string) bool {
	local, domain, found := strings.Cut(address, "@")
	if !found || local == "" || len(address) > maxEmailLength || strings.ContainsAny(domain, "@") {
		return false
	}
	if strings.ContainsFunc(address, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return false
	}
	labels := strings.Split(domain, ".")
	return len(labels) > 1 && !slices.Contains(labels, "")
}

func validPhone(number string) bool {
	digits, plus := strings.CutPrefix(number, "+")
	return plus && len(digits) > 0 && len(digits) <= 15 &&
		!strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
}

// strongEnough counts UTF-16 units, as browsers do.
func strongEnough(password string) bool {
	return len(utf16.Encode([]rune(password))) >= minPasswordLength
}

func absoluteURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme != "" && u.Host != ""
}

var reservedClaims = []string{
	"iss", "aud", "sub", "iat", "exp", "nbf", "jti", "nonce", "azp", "acr", "amr", "cnf", "auth_time", "firebase", "at_hash", "c_hash",
}

func checkClaims(serialised string) *apiError {
	if len(serialised) > maxClaimsLength {
		return refuse("CLAIMS_TOO_LARGE")
	}
	var claims map[string]any
	if err := json.Unmarshal([]byte(serialised), &claims); err != nil || claims == nil {
		return refuse("INVALID_CLAIMS")
	}
	for _, name := range reservedClaims {
		if _, taken := claims[name]; taken {
			return refuse("FORBIDDEN_CLAIM : " + name)
		}
	}
	return nil
}
