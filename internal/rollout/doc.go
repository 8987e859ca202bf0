// Package rollout decides which users move to Firebase, and when. It owns auth.rollout, R1 to R5, and M5 for changes. It caches nothing: a
// change counts on every instance from its commit on (R5).
//
// When the build breaks here after a schema change: fromRow and Set name each column once. [Bucket] must never change: other users would
// move.
package rollout
