package password

import (
	"unicode/utf8"

	"auth-v2-service/internal/fault"
)

// bcrypt reads 72 bytes (A6). A longer password is refused, never cut: it may move between Firebase and a local hash.
const (
	minCharacters = 8
	maxBytes      = 72
)

// ErrTooShort and ErrTooLong refuse a new password.
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

// CheckNew returns ErrTooShort, ErrTooLong or nil.
func CheckNew(password string) error {
	switch {
	case utf8.RuneCountInString(password) < minCharacters:
		return ErrTooShort
	case len(password) > maxBytes:
		return ErrTooLong
	}
	return nil
}
