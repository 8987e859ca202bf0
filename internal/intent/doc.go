// Package intent records a change at Firebase before the call. The local half then completes even after a crash. A job of internal/fbsync
// completes leftovers. No intent holds a password, hash, code or token (T6).
//
// When the build breaks here after a schema change, see db/queries/intents.sql.
package intent
