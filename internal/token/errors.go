package token

import (
	"errors"

	"auth-v2-service/internal/fault"
)

// The refusals, in order of precedence (docs/errors.md).
var (
	// ErrMissing reports that the request has no token.
	ErrMissing = fault.New(fault.TokenMissing, "a bearer token is required")
	// ErrMalformed reports any defect but the expiry. It is one answer, so that a forger learns nothing; the cause is for the log.
	ErrMalformed = fault.New(fault.TokenInvalid, "the token is not valid")
	// ErrExpired reports a token that is good but for its expiry.
	ErrExpired = fault.New(fault.TokenExpired, "the token has expired")
	// ErrUnavailable reports an outage: no usable key can decide.
	ErrUnavailable = fault.Unavailable("tokens cannot be checked at the moment; try again shortly", nil)
)

// malformed takes constants only: no part of a token may reach a log (T6).
func malformed(reason string) error { return ErrMalformed.With(errors.New(reason)) }
