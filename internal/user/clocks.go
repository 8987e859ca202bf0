package user

import "time"

// tokenSkew is how far a verified token may be ahead of this machine's clock (T2).
const tokenSkew = time.Minute

// IssuedUntil is the latest time at which a session that is to end now can have begun, as far as the database's clock does not say:
// by this machine's clock, and by the token that asks (its auth_time, or the zero time where no token asks). A verified token is at
// most a minute ahead, and a later one counts as no more: no client moves a revocation far into the future.
func IssuedUntil(authTime time.Time) time.Time {
	now := time.Now()
	switch latest := now.Add(tokenSkew); {
	case authTime.After(latest):
		return latest
	case authTime.After(now):
		return authTime
	}
	return now
}
