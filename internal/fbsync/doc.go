// Package fbsync keeps Firebase and our rows in step, whatever fails in between (S1 to S3).
//
// It owns what we owe Firebase: a job a user, "bring Firebase to this row's state", which is enqueued in the transaction of the
// change ([Debts.Enqueue]) and read when it runs, so that no order of events matters and no secret is in a job. A change that is made
// while the job runs is never lost: the job ends under the row's lock, and only when Firebase has what the row says by then. It
// owns reconciling, too: what nobody owed, because somebody changed Firebase or the table around us, is found by walking both
// ([Reconciler.Run]).
//
// It does not know HTTP, passwords (S4: those are no jobs) or what a change means; internal/user does. Of River it uses tables in
// the schema auth, which our own migrations make; only this room imports it.
//
// When the build breaks here after a change of schema: db/queries/sync.sql has the statements, and state.go what Firebase follows.
// After an upgrade of River: a test compares its own migrations with ours.
package fbsync
