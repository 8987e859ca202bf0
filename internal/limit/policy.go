package limit

import "time"

// Rate admits Burst events at once, then N per Period. N = 0: no limit.
type Rate struct {
	N      int
	Period time.Duration
	Burst  int
}

func (r Rate) interval() time.Duration { return r.Period / time.Duration(r.N) }

// Policy has the figures of all limits.
type Policy struct {
	// Address limits an address by operation, Other the rest.
	Address map[string]Rate
	Other   Rate
	// AddressFailures limits an address at all accounts.
	AddressFailures Rate
	// PairFailures limits an address at one e-mail. A success resets it.
	PairFailures Rate
	// EmailFailures limits failures from unknown addresses.
	EmailFailures Rate
	// EmailAttempts limits their concurrent attempts, which have not failed yet.
	EmailAttempts Rate
	// KnownFor is how long an address stays known.
	KnownFor time.Duration
}

// Operations of the default policy.
const (
	Login    = "login"
	Register = "register"
	Refresh  = "refresh"
)

// DefaultPolicy suits a school behind one address: a class can sign in together.
func DefaultPolicy() Policy {
	perMinute := func(n int) Rate { return Rate{N: n, Period: time.Minute, Burst: n} }
	return Policy{
		Address: map[string]Rate{
			Login: perMinute(120), Register: perMinute(60), Refresh: perMinute(600),
		},
		Other:           perMinute(120),
		AddressFailures: Rate{N: 100, Period: 10 * time.Minute, Burst: 100},
		PairFailures:    Rate{N: 10, Period: 10 * time.Minute, Burst: 10},
		EmailFailures:   Rate{N: 50, Period: time.Hour, Burst: 50},
		EmailAttempts:   perMinute(30),
		KnownFor:        30 * 24 * time.Hour,
	}
}

// maxDebt: concurrent failures beyond the limit are charged up to this many bursts, so that parallel guesses gain nothing.
const maxDebt = 3
