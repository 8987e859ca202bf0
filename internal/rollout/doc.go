// Package rollout decides whom Firebase takes over, and when: the one row of auth.rollout, and who is in its cohort.
//
// It owns the statements of db/queries/rollout.sql and the rules R1 to R5, and M5 where it says that nobody is moved before
// LEGACY_EMAIL_VERIFIED was decided. Nothing is cached: sign-ins read the row in a statement of their own, so that a change
// counts on every instance from its commit on (R5). [Bucket] and [Cohort] do no I/O. It knows no HTTP, no Firebase and no user:
// who may change the rollout is decided above, and moving somebody is another room's work.
//
// When the build breaks here after a change of schema: fromRow and Set name each column once. [Bucket] never changes: people
// would be moved who were not to be, and the golden test says so.
package rollout
