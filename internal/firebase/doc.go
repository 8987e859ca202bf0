// Package firebase makes all calls to Google; no other package imports Google's code. It covers accounts (A8, M1, M6), Identity Toolkit
// (A9, A11, M9), Secure Token and IAM. It owns time limits (O3), retries and the table of Google's errors. No error's text holds a secret
// or a user's address (T6, O1). Throttling is rate_limited and an outage dependency_unavailable, never 401 (A4). internal/account decides
// which clients learn of [ErrUserDisabled] (A3). When an upgrade breaks the build, see accounts.go for the Admin SDK; when a test breaks,
// wire.go and refusals.go.
package firebase
