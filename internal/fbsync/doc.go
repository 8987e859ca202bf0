// Package fbsync keeps Firebase and our rows equal despite failures (S1 to S3).
//
// [Outbox.Enqueue] adds one job a user in the transaction of a change: "bring Firebase to this row's state". The job reads the row when it
// runs, so the order does not matter and no job holds a secret. It ends under the row's lock, so it loses no concurrent change.
// [Reconciler.Run] compares all rows with all accounts.
//
// It knows neither HTTP nor passwords (S4). Only this package imports River, whose tables our migrations make.
//
// When the build breaks here after a schema change: see db/queries/sync.sql and state.go. After an upgrade of River: a test compares its
// migrations with ours.
package fbsync
