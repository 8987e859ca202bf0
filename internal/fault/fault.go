package fault

import (
	"errors"
	"time"
)

// Code is the contract's ErrorCode.
type Code string

// The contract's codes.
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
	RunConflict           Code = "run_conflict"
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

// Field has a JSON path ("user.name").
type Field struct {
	Field   string
	Message string
}

// Error lets only Message and Fields leave the process.
type Error struct {
	Code       Code
	Message    string
	Fields     []Field
	RetryAfter time.Duration
	cause      error
}

// New returns a sentinel.
func New(code Code, message string) *Error { return &Error{Code: code, Message: message} }

// Invalid returns an invalid_request.
func Invalid(message string, fields ...Field) *Error {
	return &Error{Code: InvalidRequest, Message: message, Fields: fields}
}

// Unavailable reports a dependency's failure: 503, never 401.
func Unavailable(message string, cause error) *Error {
	return &Error{Code: DependencyUnavailable, Message: message, RetryAfter: time.Second, cause: cause}
}

// Error returns the log's text.
func (e *Error) Error() string {
	text := string(e.Code) + ": " + e.Message
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is matches copies, too.
func (e *Error) Is(target error) bool {
	var other *Error
	return errors.As(target, &other) && e.Code == other.Code && e.Message == other.Message
}

// With sets the cause in a copy.
func (e *Error) With(cause error) *Error {
	out := *e
	out.cause = cause
	return &out
}

// After sets RetryAfter in a copy.
func (e *Error) After(d time.Duration) *Error {
	out := *e
	out.RetryAfter = d
	return &out
}

// CodeOf defaults to Internal.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}
