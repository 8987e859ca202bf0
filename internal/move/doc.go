// Package move moves one user to Firebase: claim the row, import its id and hash, sign in, update the row.
//
// It holds M1, M2, M5 and M6 for one row. It never overwrites an account, and resolves an interrupted move by looking. After any failure
// the row stays local and its password works.
//
// When the build breaks here after a schema change: claim.go reads the row, finish.go writes it.
package move
