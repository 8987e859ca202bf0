package token

import (
	"errors"

	"auth-v2-service/internal/fault"
)

// The refusals of this room, in the order in which they win when several things are wrong (docs/errors.md).
var (
	// ErrMissing says that there was no token at all.
	ErrMissing = fault.New(fault.TokenMissing, "a bearer token is required")
	// ErrMalformed says that the token is not one of ours to accept: its form, header, signature, issuer, audience, subject,
	// tenant or dates. One answer for all of them, so that a forger learns nothing; the cause says which, for the log.
	ErrMalformed = fault.New(fault.TokenInvalid, "the token is not valid")
	// ErrExpired says that the token was good and has ended: the client refreshes it.
	ErrExpired = fault.New(fault.TokenExpired, "the token has expired")
	// ErrUnavailable says that no key is at hand that could decide: an outage, not a bad token.
	ErrUnavailable = fault.Unavailable("tokens cannot be checked at the moment; try again shortly", nil)
)

// malformed is ErrMalformed with a reason for the log. Reasons are constants: no part of a token may reach a log (T6).
func malformed(reason string) error { return ErrMalformed.With(errors.New(reason)) }
