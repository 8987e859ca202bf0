// Package move takes one user to Firebase: the row is claimed, Firebase gets an account with the row's id and password hash, the
// claimedUser signs in there, and the row says so. The bulk move does the same to many.
//
// It owns the statements of db/queries/moves.sql and holds M1, M2, M5 and M6 for a single row: of all who want to move a row one
// may; no account at Firebase is ever overwritten; what became of a move that was cut short is learnt by looking, never by
// importing again; an address is vouched for only as LEGACY_EMAIL_VERIFIED says, and never an admin's. Whatever fails, the row
// stays local and its password opens it here. It does not know who is in the cohort (internal/rollout), tokens of ours, or HTTP.
//
// When the build breaks here after a change of schema: claim.go reads the row, finish.go writes it; what Firebase is asked is
// [Identities].
package move
