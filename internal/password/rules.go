package password

import (
	"unicode/utf8"

	"auth-v2-service/internal/fault"
)

// Limits of a new password (A6). bcrypt reads 72 bytes; a longer one is refused, never cut, since it may have to move between
// Firebase and a local hash.
const (
	minCharacters = 8
	maxBytes      = 72
)

// Refusals of a new password.
var (
	ErrTooShort = &fault.Error{
		Code: fault.WeakPassword, Message: "the password is too short",
		Fields: []fault.Field{{Field: "password", Message: "must have at least 8 characters"}},
	}
	ErrTooLong = &fault.Error{
		Code: fault.WeakPassword, Message: "the password is too long",
		Fields: []fault.Field{{Field: "password", Message: "must have at most 72 bytes"}},
	}
)

// CheckNew returns ErrTooShort or ErrTooLong for a password that no account may be given.
func CheckNew(password string) error {
	switch {
	case utf8.RuneCountInString(password) < minCharacters:
		return ErrTooShort
	case len(password) > maxBytes:
		return ErrTooLong
	}
	return nil
}
