package user

import (
	"crypto/rand"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"auth-v2-service/internal/fault"
)

// ErrInvalidUsername refuses a name that a person chose.
var ErrInvalidUsername = fault.Invalid("the request is not valid", fault.Field{
	Field: "username", Message: "must have 1 to 100 characters, none of them control or invisible characters, and not begin or end with space",
})

// ErrUsernameTaken says that somebody else has the name.
var ErrUsernameTaken = fault.New(fault.UsernameTaken, "this username is taken")

// maxUsername is the width of auth.users.username in characters.
const maxUsername = 100

// suffixLength gives 32^5 names to each display name.
const suffixLength = 5

// UsernameFrom makes a username of a display name (F4): what of it can be seen, in NFC, at most 100 characters. "" means that nothing
// is left.
func UsernameFrom(displayName string) string { return cut(visible(displayName), maxUsername) }

// WithSuffix makes another name of a taken one, still within 100 characters: "Jane Doe-k3f9q". The suffix is random, so that
// a hundred people of one name do not queue for it.
func WithSuffix(username string) string {
	const alphabet = "abcdefghijkmnpqrstuvwxyz23456789" // 32 letters that nobody confuses; 256 is a multiple
	suffix := make([]byte, suffixLength)
	_, _ = rand.Read(suffix) // crypto/rand never fails: it ends the program instead
	for i, b := range suffix {
		suffix[i] = alphabet[int(b)%len(alphabet)]
	}
	return cut(username, maxUsername-1-suffixLength) + "-" + string(suffix)
}

// ValidUsername checks a typed name and answers the form that is stored: NFC, without the variation selectors that choose how a
// symbol or a letter looks. Nothing else is cut or dropped: what cannot be kept as typed is refused.
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
