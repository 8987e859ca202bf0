// Package account runs the account flows: register, sign in, refresh, link, change and reset a password, delete.
//
// It holds the rules A1 to A3, A6 to A11, S4 and the end of F3 (link by password). internal/firebase, internal/session, internal/user and
// internal/rollout do their parts. The package knows no HTTP. It stores a password only as a hash (T6).
//
// When the build breaks here after a schema change: db/queries/accounts.sql holds the statements of this package.
package account
