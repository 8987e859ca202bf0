package clock

import "time"

// Ending says which sessions a revocation ends. A statement adds the leads to PostgreSQL's clock when it runs, so sessions that begin
// during its lock wait end too.
type Ending struct {
	// FirebaseLead and LegacyLead are the leads over PostgreSQL's clock in seconds.
	FirebaseLead, LegacyLead float64
	// FirebaseUntil and LegacyUntil are covered in any case.
	FirebaseUntil, LegacyUntil time.Time
}

// Ending takes the issue time of the request's token, cut to TokenSkew ahead.
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

// firebaseLead errs towards later: a revocation must miss no session. Beyond Bound, a late clock is ignored and an early clock counts as
// Bound.
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

// LegacyLead returns Ending's LegacyLead.
func (c *Clocks) LegacyLead() float64 { return c.Ending(time.Time{}, time.Time{}).LegacyLead }

// FirebaseLead returns Ending's FirebaseLead.
func (c *Clocks) FirebaseLead() float64 { return c.Ending(time.Time{}, time.Time{}).FirebaseLead }

// FromFirebase converts to Now's time and errs towards later. Beyond Bound the time stays.
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
