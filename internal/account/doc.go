// Package account runs the account flows: register, sign in, refresh, link, change and reset a password, delete.
//
// It holds A1 to A3, A6 to A11, S4 and the end of F3 (link by password). It knows no HTTP. It stores a password only as a hash (T6).
//
// When the build breaks here after a schema change: the statements are in db/queries/accounts.sql.
package account
