// Package user owns auth.users: first sight, linking, sync, revocation, renaming and deletion.
//
// It holds F1 to F10, S1, A7 (one row and its account) and T4 (the instant, not the cache). It knows no HTTP and no passwords, and caches
// no facts: [Options].OnChange reports each change. [Accounts] is its view of Firebase.
//
// When the build breaks here after a schema change: FromRow names each column once, and the queries must list the same columns in order.
package user
