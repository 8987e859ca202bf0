package account

import (
	"unicode/utf8"

	"auth-v2-service/internal/fault"
)

// Limits of a new password (A6). bcrypt reads 72 bytes; a longer one is refused, never cut, since it may have to move between
// Firebase and a local hash.
const (
	minPasswordCharacters = 8
	maxPasswordBytes      = 72
)

// Refusals of a new password.
var (
	ErrPasswordTooShort = &fault.Error{
		Code: fault.WeakPassword, Message: "the password is too short",
		Fields: []fault.Field{{Field: "password", Message: "must have at least 8 characters"}},
	}
	ErrPasswordTooLong = &fault.Error{
		Code: fault.WeakPassword, Message: "the password is too long",
		Fields: []fault.Field{{Field: "password", Message: "must have at most 72 bytes"}},
	}
)

func checkNewPassword(password string) error {
	switch {
	case utf8.RuneCountInString(password) < minPasswordCharacters:
		return ErrPasswordTooShort
	case len(password) > maxPasswordBytes:
		return ErrPasswordTooLong
	}
	return nil
}
