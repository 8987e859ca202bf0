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

// canonicalEmail is how Identity Toolkit stores an address.
func canonicalEmail(address string) string { return strings.ToLower(address) }

// validEmail is stricter than the emulator's one "@", as Firebase is: a domain with a dot, no spaces, no empty labels.
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

// strongEnough counts as JavaScript does, in UTF-16 units, for that is what Firebase's message promises to browsers.
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

// checkClaims says what is wrong with serialised custom claims, or nil.
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
