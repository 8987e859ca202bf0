package limit

import "time"

// Rate admits Burst events at once, then N per Period. N = 0: no limit.
type Rate struct {
	N      int
	Period time.Duration
	Burst  int
}

func (r Rate) interval() time.Duration { return r.Period / time.Duration(r.N) }

// Policy is the figures of all limits.
type Policy struct {
	// Address limits requests per address and operation; Other covers the rest.
	Address map[string]Rate
	Other   Rate
	// AddressFailures is per address.
	AddressFailures Rate
	// PairFailures is per address and e-mail. A success resets it.
	PairFailures Rate
	// EmailFailures is per e-mail from unknown addresses.
	EmailFailures Rate
	// EmailAttempts counts attempts from unknown addresses: concurrent ones have not failed yet.
	EmailAttempts Rate
	// KnownFor follows a sign-in.
	KnownFor time.Duration
}

// Operations of the default policy.
const (
	Login    = "login"
	Register = "register"
	Refresh  = "refresh"
)

// DefaultPolicy lets a class sign in together behind one address.
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

// maxDebt bounds, in bursts, the charge for concurrent failures: parallel guesses gain nothing, and a block still ends.
const maxDebt = 3
