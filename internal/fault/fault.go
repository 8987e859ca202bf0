package fault

import (
	"errors"
	"time"
)

// Code is a machine-readable reason, one of the contract's ErrorCode values.
type Code string

// The codes of the contract.
const (
	InvalidRequest        Code = "invalid_request"
	TokenMissing          Code = "token_missing"
	TokenInvalid          Code = "token_invalid"
	TokenExpired          Code = "token_expired"
	TokenRevoked          Code = "token_revoked"
	InvalidCredentials    Code = "invalid_credentials"
	MFARequired           Code = "mfa_required"
	ReauthRequired        Code = "reauth_required"
	AccountDeactivated    Code = "account_deactivated"
	Forbidden             Code = "forbidden"
	SignInBlocked         Code = "sign_in_blocked"
	NotFound              Code = "not_found"
	MethodNotAllowed      Code = "method_not_allowed"
	EmailTaken            Code = "email_taken"
	UsernameTaken         Code = "username_taken"
	AccountLinkRequired   Code = "account_link_required"
	IdentityConflict      Code = "identity_conflict"
	InsufficientBalance   Code = "insufficient_balance"
	IdempotencyConflict   Code = "idempotency_conflict"
	BalanceOverflow       Code = "balance_overflow"
	WeakPassword          Code = "weak_password"
	UnsupportedIdentity   Code = "unsupported_identity"
	PayloadTooLarge       Code = "payload_too_large"
	UnsupportedMediaType  Code = "unsupported_media_type"
	RateLimited           Code = "rate_limited"
	Internal              Code = "internal"
	DependencyUnavailable Code = "dependency_unavailable"
)

// Field says what is wrong with one field of a request. Field is a JSON path in dots ("email", "user.name").
type Field struct {
	Field   string
	Message string
}

// Error is a refusal or a failure with a meaning. Message is written for the person at the other end and never holds a
// secret, an address or a cause; the cause is for the log only. The zero RetryAfter means: no advice.
type Error struct {
	Code       Code
	Message    string
	Fields     []Field
	RetryAfter time.Duration
	cause      error
}

// New makes a sentinel that a room exports beside its rule. Compare with errors.Is.
func New(code Code, message string) *Error { return &Error{Code: code, Message: message} }

// Invalid is an invalid_request that names the fields at fault.
func Invalid(message string, fields ...Field) *Error {
	return &Error{Code: InvalidRequest, Message: message, Fields: fields}
}

// Unavailable says that a dependency of ours is down or slow: a 503, never a 401. The caller may retry after a second.
func Unavailable(message string, cause error) *Error {
	return &Error{Code: DependencyUnavailable, Message: message, RetryAfter: time.Second, cause: cause}
}

// Error gives code, message and cause, for the log.
func (e *Error) Error() string {
	text := string(e.Code) + ": " + e.Message
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is the same refusal: a copy made by With or After still is the sentinel that it came from.
func (e *Error) Is(target error) bool {
	var other *Error
	return errors.As(target, &other) && e.Code == other.Code && e.Message == other.Message
}

// With gives a copy of e that remembers its cause.
func (e *Error) With(cause error) *Error {
	out := *e
	out.cause = cause
	return &out
}

// After gives a copy of e that advises when to come back.
func (e *Error) After(d time.Duration) *Error {
	out := *e
	out.RetryAfter = d
	return &out
}

// CodeOf gives the code that err carries, or Internal for an error that carries none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}
