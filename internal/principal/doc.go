// Package principal answers one question: who is asking? A token is verified (internal/token), met with its row
// (internal/user) and admitted or refused; what is known is kept for the next request. It is the main road of the service. A
// service that sends a key is looked up in internal/apikey, and nothing is kept of it.
//
// It owns the type that says "verified and allowed" ([Principal]; nothing that needs the row can be called with claims alone) and
// the one that says who acts ([Caller]), the cache, its keys and its invalidation (T5, T6), the order of refusals (expired,
// deactivated, revoked: F9), and the time that an answer may take (O3). It knows no HTTP and no password.
//
// Two things are kept apart: what a token says, keyed by the token's SHA-256, true until the token ends; and what is true of a
// user, keyed by the row's id, true for [MaxFactsAge] at most and dropped by each invalidation. A hit needs both and costs no
// query; the edge's own answer about it is kept beside them ([Response]). The bytes of it all are bounded. Facts have a second
// sharedCache in Redis ([SharedCache]; E2, T7), for the other instances: sealed, dated, and never left there by a reading that an
// invalidation has overtaken. Invalidations come from this service by Redis ([Invalidator]) and from whoever writes the table
// by PostgreSQL ([Listener]); either is enough.
//
// When the build breaks here after a change of schema, internal/user is the place to look first.
package principal
