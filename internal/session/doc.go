// Package session keeps legacy sessions, from sign-in through refreshes to the end.
//
// It holds A5: each refresh token is used once. The previous token returns the same successor for 30 seconds, because answers get lost and
// browsers have tabs. Later use ends the session: the token may be stolen. Tokens are not stored but minted deterministically (T6).
//
// When the build breaks here after a schema change, see db/queries/legacy_sessions.sql.
package session
