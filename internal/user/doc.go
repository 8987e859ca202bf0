// Package user holds the life of a row of auth.users: first sight, admission ([User.Admit]), linking, sync from Firebase, operators' changes,
// revocation, renaming, export and deletion. Passwords, moves, sessions and balances change their own columns from their own rooms.
//
// It holds the rules of first sight and linking (F1 to F10), of sync (S1, A7) and of revocation (T4). It knows no HTTP, computes no hash
// and caches no facts. [Options].OnChange reports changes of facts; the functions that take a transaction leave that to their caller.
// [Accounts] is its view of Firebase; Options.EnqueueSync brings Firebase to the row (S3).
//
// When the build breaks here after a schema change: [FromRow] maps the columns that each query of a user lists in the same order.
package user
