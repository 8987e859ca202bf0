// Package apikey creates, checks and revokes services' keys. It caches nothing, so a revocation counts everywhere from its commit on (T5).
// Only a key's public id is shown, logged or audited (T6).
//
// When the build breaks here after a schema change: fromRow names each column once. A new scope needs a constant, a migrated check and an
// x-scope.
package apikey
