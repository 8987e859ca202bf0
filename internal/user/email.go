package user

import (
	"net/mail"
	"strings"

	"github.com/google/uuid"

	"auth-v2-service/internal/fault"
)

// ErrInvalidEmail refuses an address at the door.
var ErrInvalidEmail = fault.Invalid("the request is not valid",
	fault.Field{Field: "email", Message: "must be an e-mail address in ASCII, such as jane@example.com"})

// asciiSpace is what both canonical forms trim; auth.canonical_email in the database trims the same.
const asciiSpace = " \t\n\r\f\v"

// maxEmailBytes is the width of auth.users.email; the address is ASCII, so bytes are characters.
const maxEmailBytes = 255

// placeholderDomain marks the address of a person without one (F5). RFC 2606 keeps .invalid out of the real world.
const placeholderDomain = "@users.noreply.invalid"

// CanonicalEmail is the one form in which addresses are stored, looked up, limited and hashed (F2): ASCII white space trimmed,
// ASCII letters in lower case. It refuses what is no plain address, what is beyond ASCII, and the placeholder domain.
func CanonicalEmail(address string) (string, error) {
	canonical := canonicalForm(address)
	if len(canonical) > maxEmailBytes || !plainASCII(canonical) || strings.HasSuffix(canonical, placeholderDomain) {
		return "", ErrInvalidEmail
	}
	parsed, err := mail.ParseAddress(canonical)
	if err != nil || parsed.Address != canonical || strings.ContainsAny(canonical, `"()<>[]:;\,`) {
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
