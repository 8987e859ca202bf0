package user

import (
	"net/mail"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"auth-v2-service/internal/fault"
)

// ErrInvalidEmail refuses an address at the door.
var ErrInvalidEmail = fault.Invalid("the request is not valid",
	fault.Field{Field: "email", Message: "must be an e-mail address in ASCII, such as jane@example.com"})

// asciiSpace is what both canonical forms trim; auth.canonical_email in the database trims the same.
const asciiSpace = " \t\n\r\f\v"

// maxEmailBytes is the width of auth.users.email in characters, which are bytes in ASCII.
const maxEmailBytes = 255

// placeholderDomain marks the address of a person without one (F5). RFC 2606 keeps .invalid out of the real world.
const placeholderDomain = "@users.noreply.invalid"

// CanonicalEmail is the canonical form (F2) of an address that a new row may have, or a new address of a row. It refuses what is no
// plain address, what is beyond ASCII, and the placeholder domain.
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

// LookUpEmail is the one form in which addresses are looked up, limited and hashed (F2): ASCII white space trimmed, ASCII letters in
// lower case. Rows of the platform may have an address that no new row may have, so it refuses only what no row can have:
// nothing, more characters than the column holds, what is no text, and the placeholder domain.
func LookUpEmail(address string) (string, error) {
	canonical := canonicalForm(address)
	if canonical == "" || !utf8.ValidString(address) || utf8.RuneCountInString(canonical) > maxEmailBytes ||
		strings.ContainsRune(canonical, 0) || strings.HasSuffix(canonical, placeholderDomain) {
		return "", ErrInvalidEmail
	}
	return canonical, nil
}

// canonicalForm is what auth.canonical_email makes of an address, whether or not it is one that we would take.
func canonicalForm(address string) string { return asciiLower(strings.Trim(address, asciiSpace)) }

// asciiLower leaves everything beyond ASCII alone: strings.ToLower would fold the Kelvin sign into a k.
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

func placeholderEmail(id uuid.UUID) string { return id.String() + placeholderDomain }
