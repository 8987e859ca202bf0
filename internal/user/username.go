package user

import (
	"crypto/rand"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"auth-v2-service/internal/fault"
)

// ErrInvalidUsername refuses a name that a person chose.
var ErrInvalidUsername = fault.Invalid("the request is not valid", fault.Field{
	Field: "username", Message: "must have 1 to 100 characters, none of them control characters, and not begin or end with space",
})

// ErrUsernameTaken says that somebody else has the name.
var ErrUsernameTaken = fault.New(fault.UsernameTaken, "this username is taken")

// maxUsername is the width of auth.users.username in characters.
const maxUsername = 100

// suffixLength gives 32^5 names to each display name.
const suffixLength = 5

// UsernameFrom makes a username of a display name (F4): NFC, no control or format characters, at most 100 characters. "" means that
// nothing usable is left.
func UsernameFrom(displayName string) string {
	visible := strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unfit(r) {
			return -1
		}
		return r
	}, displayName)
	return cut(strings.TrimSpace(norm.NFC.String(visible)), maxUsername)
}

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

// ValidUsername checks a name that somebody typed and answers its NFC form. Nothing is cut or dropped: what cannot be kept as
// typed is refused.
func ValidUsername(typed string) (string, error) {
	name := norm.NFC.String(typed)
	if name == "" || !utf8.ValidString(typed) || utf8.RuneCountInString(name) > maxUsername ||
		strings.TrimSpace(name) != name || strings.ContainsFunc(name, unfit) {
		return "", ErrInvalidUsername
	}
	return name, nil
}

// unfit are control characters, invisible format characters (bidirectional overrides among them), surrogates and private use.
func unfit(r rune) bool { return unicode.In(r, unicode.C) || unicode.In(r, unicode.Zl, unicode.Zp) }

func cut(s string, runes int) string {
	for i := range s {
		if runes == 0 {
			return strings.TrimSpace(s[:i])
		}
		runes--
	}
	return s
}
