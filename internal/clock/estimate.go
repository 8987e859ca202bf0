package clock

import "time"

const (
	// drift is how fast an offset may change between two readings: 100 parts in a million, twice a bad quartz.
	drift = 10_000
	// turns is how many readings in a row must contradict an estimate before they replace it.
	turns = 3
)

// estimate is an offset between two clocks, as an interval that contains it. Each reading of a clock says such an interval: its
// ends are what the reading's own precision and the time that the answer took leave open. Readings that agree narrow the estimate. A
// reading that contradicts it counts only when the next ones agree with it: one absurd answer changes nothing.
type estimate struct {
	lo, hi   time.Duration
	at       time.Time
	measured bool

	nextLo, nextHi time.Duration // what contradicts the estimate, turn after turn
	contradictions int
}

// add takes a reading at a moment of this machine's clock.
func (e *estimate) add(lo, hi time.Duration, at time.Time) {
	if !e.measured {
		*e = estimate{lo: lo, hi: hi, at: at, measured: true}
		return
	}
	knownLo, knownHi := e.interval(at)
	if lo <= knownHi && hi >= knownLo {
		*e = estimate{lo: max(lo, knownLo), hi: min(hi, knownHi), at: at, measured: true}
		return
	}
	if e.contradictions == 0 || lo > e.nextHi || hi < e.nextLo {
		e.contradictions, e.nextLo, e.nextHi = 1, lo, hi
		return
	}
	e.contradictions, e.nextLo, e.nextHi = e.contradictions+1, max(lo, e.nextLo), min(hi, e.nextHi)
	if e.contradictions >= turns {
		*e = estimate{lo: e.nextLo, hi: e.nextHi, at: at, measured: true}
	}
}

// interval is the estimate as it is at a later moment: a clock drifts.
func (e *estimate) interval(at time.Time) (lo, hi time.Duration) {
	wider := max(at.Sub(e.at), 0) / drift
	return e.lo - wider, e.hi + wider
}

// latest is the largest offset that the readings allow, or none where they allow the clocks to agree: clocks that agree are compared as
// they stand.
func (e *estimate) latest(at time.Time) time.Duration {
	lo, hi := e.interval(at)
	if lo <= 0 && hi >= 0 {
		return 0
	}
	return hi
}

// earliest is the smallest offset that the readings allow, or none as for latest.
func (e *estimate) earliest(at time.Time) time.Duration {
	lo, hi := e.interval(at)
	if lo <= 0 && hi >= 0 {
		return 0
	}
	return lo
}

// middle is the likeliest offset, or none where the readings allow the clocks to agree.
func (e *estimate) middle(at time.Time) time.Duration {
	lo, hi := e.interval(at)
	if lo <= 0 && hi >= 0 {
		return 0
	}
	return lo + (hi-lo)/2
}
