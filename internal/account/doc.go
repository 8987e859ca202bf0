// Package account runs the account flows, from registration to deletion.
//
// It holds A1 to A3, A6 to A11, S4 and the end of F3. It knows no HTTP. It stores a password only as a hash (T6).
//
// When the build breaks here after a schema change: see db/queries/accounts.sql.
package account
