// Package session is the legacy pair of tokens over time: a session begins with a sign-in, its refresh token is exchanged again
// and again, and it ends.
//
// It owns the table auth.legacy_sessions and rule A5: a refresh token is exchanged once; the one before the current answers the
// same successor for 30 seconds, because answers get lost and browsers have tabs; used later, it ends its session, for then two
// hold it and one of them is a thief. No token is stored: a refresh token is minted from its session's row and the secret, and
// minting is deterministic, so that "the same successor" is minted again (T6). It knows no passwords and no HTTP.
//
// When the build breaks here after a change of schema: db/queries/legacy_sessions.sql holds this room's statements.
package session
