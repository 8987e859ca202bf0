// Package move takes one user to Firebase: claim the row, import its id and hash, sign in where a password is at hand, update the row.
// internal/account decides when.
//
// An import never overwrites an account (M1). An account that already has the address is linked if both sides have verified it, displaced
// if its owner has proved nothing, or left for an operator (M6). Whether the address is verified is LEGACY_EMAIL_VERIFIED's word (M5).
//
// After any failure the user still signs in here. An unclear outcome keeps the claim until it lapses; then the next sign-in or the job of
// the intent asks Firebase (M2). A conflict blocks further tries for an hour.
//
// When the build breaks here after a schema change: look at claim.go and finish.go.
package move
