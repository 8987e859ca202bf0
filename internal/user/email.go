package user

import (
	"net/mail"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"auth-v2-service/internal/fault"
)

// ErrInvalidEmail refuses an address.
var ErrInvalidEmail = fault.Invalid("the request is not valid",
	fault.Field{Field: "email", Message: "must be an e-mail address in ASCII, such as jane@example.com"})

// auth.canonical_email trims the same.
const asciiSpace = " \t\n\r\f\v"

// The column's width.
const maxEmailBytes = 255

// Marks a missing address (F5). RFC 2606 reserves .invalid.
const placeholderDomain = "@users.noreply.invalid"

// CanonicalEmail returns the canonical form (F2) for a new address. It refuses non-ASCII addresses.
func CanonicalEmail(address string) (string, error) {
	canonical, err := LookUpEmail(address)
	if err != nil || len(canonical) > maxEmailBytes || !plainASCII(canonical) {
		return "", ErrInvalidEmail
	}
	parsed, err := mail.ParseAddress(canonical)
	if err != nil || parsed.Address != canonical || strings.ContainsAny(canonical, `"()<>[]:;\,`) {
		return "", ErrInvalidEmail
	}
	return canonical, nil
}

// LookUpEmail returns the form for look-ups, limits and hashes (F2): ASCII space trimmed, ASCII letters in lower case. It accepts all old
// rows' addresses.
func LookUpEmail(address string) (string, error) {
	canonical := canonicalForm(address)
	if canonical == "" || !utf8.ValidString(address) || utf8.RuneCountInString(canonical) > maxEmailBytes ||
		strings.ContainsRune(canonical, 0) || strings.HasSuffix(canonical, placeholderDomain) {
		return "", ErrInvalidEmail
	}
	return canonical, nil
}

// canonicalForm equals auth.canonical_email.
func canonicalForm(address string) string { return asciiLower(strings.Trim(address, asciiSpace)) }

// strings.ToLower would fold the Kelvin sign.
func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}

func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// PlaceholderEmail is the address of a row with an account without one (F5).
func PlaceholderEmail(id uuid.UUID) string { return id.String() + placeholderDomain }
