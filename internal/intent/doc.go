// Package intent writes changes at Firebase down before Firebase is asked, so that our half of a change is made even when this
// process is killed, or PostgreSQL is away, between Firebase's answer and our commit.
//
// It owns auth.firebase_intents. A flow calls [Log.Begin] before the call, and [Log.End] in the transaction of our half. Where
// Firebase refuses, [Log.Withdraw] takes the intent back. A job of internal/fbsync reads what is left over and lets the room of the
// flow complete it: that room asks Firebase what is true by then. No intent holds a password, a hash, a code or a token (T6).
//
// When the build breaks here after a change of schema: db/queries/intents.sql holds the statements.
package intent
