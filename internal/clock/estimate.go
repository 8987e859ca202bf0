package clock

import "time"

const (
	// drift is 100 parts in a million, twice a bad quartz.
	drift = 10_000
	// turns contradicting readings in a row replace an estimate.
	turns = 3
)

// estimate is an interval that contains an offset.
type estimate struct {
	lo, hi   time.Duration
	at       time.Time
	measured bool

	nextLo, nextHi time.Duration
	contradictions int
}

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

func (e *estimate) interval(at time.Time) (lo, hi time.Duration) {
	wider := max(at.Sub(e.at), 0) / drift
	return e.lo - wider, e.hi + wider
}

// latest returns the largest possible offset, or 0 where the clocks may agree.
func (e *estimate) latest(at time.Time) time.Duration {
	lo, hi := e.interval(at)
	if lo <= 0 && hi >= 0 {
		return 0
	}
	return hi
}

func (e *estimate) earliest(at time.Time) time.Duration {
	lo, hi := e.interval(at)
	if lo <= 0 && hi >= 0 {
		return 0
	}
	return lo
}

func (e *estimate) middle(at time.Time) time.Duration {
	lo, hi := e.interval(at)
	if lo <= 0 && hi >= 0 {
		return 0
	}
	return lo + (hi-lo)/2
}
