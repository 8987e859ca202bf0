package user

import (
	"crypto/rand"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"auth-v2-service/internal/fault"
)

// ErrInvalidUsername refuses a chosen name.
var ErrInvalidUsername = fault.Invalid("the request is not valid", fault.Field{
	Field: "username", Message: "must have 1 to 100 characters, none of them control or invisible characters, and not begin or end with space",
})

// ErrUsernameTaken says that another row has the name.
var ErrUsernameTaken = fault.New(fault.UsernameTaken, "this username is taken")

const maxUsername = 100

const suffixLength = 5

// UsernameFrom makes a username from a display name (F4), possibly "".
func UsernameFrom(displayName string) string { return cut(visible(displayName), maxUsername) }

// WithSuffix returns a variant of a taken name. Random suffixes avoid queues of namesakes.
func WithSuffix(username string) string {
	const alphabet = "abcdefghijkmnpqrstuvwxyz23456789" // 32 unambiguous letters; 256 is a multiple
	suffix := make([]byte, suffixLength)
	_, _ = rand.Read(suffix) // never fails
	for i, b := range suffix {
		suffix[i] = alphabet[int(b)%len(alphabet)]
	}
	return cut(username, maxUsername-1-suffixLength) + "-" + string(suffix)
}

// ValidUsername returns NFC without variation selectors. It refuses a name that would lose anything else.
func ValidUsername(typed string) (string, error) {
	plain, ok := dropVariants(typed)
	name := norm.NFC.String(plain)
	if !ok || name == "" || !utf8.ValidString(typed) || utf8.RuneCountInString(name) > maxUsername || visible(name) != name {
		return "", ErrInvalidUsername
	}
	return name, nil
}

func cut(s string, runes int) string {
	for i := range s {
		if runes == 0 {
			return trimBlanks(s[:i])
		}
		runes--
	}
	return s
}
