// Package firebase makes all calls to Google; no other package imports Google's code. It covers accounts (A8, M1, M6), Identity Toolkit
// (A9, A11, M9), Secure Token and IAM. It owns the table of Google's errors (refusals.go), time limits (O3) and retries. No error's text
// holds a password, hash, token, code, key or address (T6, O1). Throttling is rate_limited and an outage dependency_unavailable, never 401
// (A4).
//
// internal/account decides which clients learn of [ErrUserDisabled], which Google returns before it checks the password (A3).
//
// When an upgrade breaks the build: accounts.go calls the Admin SDK, the other files Google's REST libraries. When a test breaks: see
// wire.go and refusals.go.
package firebase
