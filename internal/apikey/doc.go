// Package apikey is about the keys of services and scripts: minted once, kept as a hash, asked for at each request.
//
// It owns auth.api_keys, what a key looks like ([Create]) and what a scope opens ([Key.Operates]). Nothing is cached: a request
// with a key costs one indexed statement, so that a revocation counts everywhere from its commit on (T5). Of a key only its
// public id is ever shown, logged or audited (T6). It knows no HTTP and no user; which operation wants which scope, the contract
// says.
//
// When the build breaks here after a change of schema: fromRow names each column once. A new scope is a constant here, a value of
// the check in a migration, and an x-scope in the contract.
package apikey
