// Package user owns auth.users: first sight, linking, sync with Firebase, revocation, renaming and deletion.
//
// It holds F1 to F10, S1, A7 (one row and its account) and T4 (the instant, not the cache). It owns users.sql, user_sync.sql and
// admin_users.sql. It knows no HTTP and no passwords, and caches no facts: [Options].OnChange reports each change. It calls Firebase
// through [Accounts], and remembers undecidable disputes for half a minute to bound these calls (F7).
//
// When the build breaks here after a schema change: FromRow names each column once, and the queries must list the same columns in the same
// order.
package user
