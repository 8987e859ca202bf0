// Package fbsync keeps Firebase and our rows equal despite failures (S1 to S3).
//
// [Outbox.Enqueue] adds one job a user in the transaction of a change. The job reads the row when it runs, so order does not matter and it
// holds no secret. It ends under the row's lock, so it loses no change. [Reconciler.Run] compares all rows with all accounts.
//
// It knows no HTTP and no passwords (S4). Only this package imports River. Our migrations make River's tables.
//
// When the build breaks here after a schema change: see db/queries/sync.sql and state.go. A test compares River's migrations with ours.
package fbsync
