package token

import (
	"errors"

	"auth-v2-service/internal/fault"
)

// Refusals in order of precedence (docs/errors.md).
var (
	// ErrMissing reports a request without a token.
	ErrMissing = fault.New(fault.TokenMissing, "a bearer token is required")
	// ErrMalformed reports any defect but expiry, in one answer, so that a forger learns nothing.
	ErrMalformed = fault.New(fault.TokenInvalid, "the token is not valid")
	// ErrExpired reports an otherwise good token.
	ErrExpired = fault.New(fault.TokenExpired, "the token has expired")
	// ErrUnavailable reports an outage: no key can decide.
	ErrUnavailable = fault.Unavailable("tokens cannot be checked at the moment; try again shortly", nil)
)

// malformed takes constants only: logs hold no part of a token (T6).
func malformed(reason string) error { return ErrMalformed.With(errors.New(reason)) }
