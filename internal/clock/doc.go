// Package clock knows three clocks: this machine's, PostgreSQL's and Firebase's. It measures how far the other two are ahead of this
// machine's, from answers that the service gets anyway, and makes of the three one time that no single wrong clock can move.
//
// It holds the clocks' part of T2, T4, A7 and A10: legacy tokens are issued and judged by one time (Now), a revocation of Firebase's
// sessions is compared in Firebase's time (Ending), and a sign-in is recent by the clock that dated it (Firebase). It owns no session
// and no statement: what it answers are offsets, which the statements add to PostgreSQL's clock when they run.
//
// A reading is believed up to Bound. A larger offset is reported (Report), and moves a revocation no further than Bound.
package clock
