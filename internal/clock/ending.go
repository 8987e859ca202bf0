package clock

import "time"

// Ending says what sessions a revocation ends, in the two times that sessions are dated by. A statement adds the leads to
// PostgreSQL's clock when it runs: what begins while it waits for a lock is ended too.
type Ending struct {
	// FirebaseLead is how many seconds Firebase's clock is ahead of PostgreSQL's, LegacyLead how many Now is.
	FirebaseLead, LegacyLead float64
	// FirebaseUntil and LegacyUntil are times that the revocation covers at least, whatever PostgreSQL's clock says.
	FirebaseUntil, LegacyUntil time.Time
}

// Ending answers what to end now. The two times are those of the token that asks, one of them or none: a verified token is at most
// TokenSkew ahead, and a later one counts as no more.
func (c *Clocks) Ending(firebaseToken, legacyToken time.Time) Ending {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.settle()
	offset := time.Duration(c.offset.Load())
	latest := now.Add(max(offset, 0) + TokenSkew)
	e := Ending{FirebaseUntil: earlier(firebaseToken, latest), LegacyUntil: earlier(legacyToken, latest)}
	firebase := c.firebaseLead(now, offset)
	if !c.postgresql.measured {
		e.FirebaseUntil, e.LegacyUntil = later(e.FirebaseUntil, now.Add(firebase)), later(e.LegacyUntil, now)
		return e
	}
	p := c.postgresql.middle(now)
	e.FirebaseLead, e.LegacyLead = (firebase - p).Seconds(), (offset - p).Seconds()
	return e
}

// firebaseLead is how far Firebase's clock is ahead of this machine's, for a revocation: rather too far than not far enough, for what a
// revocation does not cover lives on. So a clock that is behind by more than Bound is not believed, and one that is ahead by more counts
// as Bound.
func (c *Clocks) firebaseLead(now time.Time, offset time.Duration) time.Duration {
	if !c.firebase.measured {
		return max(offset, 0, offset+c.signed)
	}
	lead := min(c.firebase.latest(now)-offset, Bound)
	if lead < -Bound {
		lead = 0
	}
	return offset + max(lead, c.signed)
}

// LegacyLead is how many seconds Now is ahead of PostgreSQL's clock.
func (c *Clocks) LegacyLead() float64 { return c.Ending(time.Time{}, time.Time{}).LegacyLead }

// FirebaseLead is how many seconds Firebase's clock is ahead of PostgreSQL's.
func (c *Clocks) FirebaseLead() float64 { return c.Ending(time.Time{}, time.Time{}).FirebaseLead }

// FromFirebase puts a time that Firebase has dated into Now's time, rather later than earlier; one that is further apart than Bound stays
// as it is.
func (c *Clocks) FromFirebase(at time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.settle()
	if lead := c.firebase.earliest(now) - time.Duration(c.offset.Load()); c.firebase.measured && believed(lead) {
		return at.Add(-lead)
	}
	return at
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
