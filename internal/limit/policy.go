package limit

import "time"

// Rate lets Burst events through at once and N per Period after that. A Rate without N is no limit.
type Rate struct {
	N      int
	Period time.Duration
	Burst  int
}

// interval is how long one event takes to be forgotten.
func (r Rate) interval() time.Duration { return r.Period / time.Duration(r.N) }

// Policy is how much is too much.
type Policy struct {
	// Address limits the requests of one address, by operation; Other is for operations that it does not name.
	Address map[string]Rate
	Other   Rate
	// AddressFailures limits one address's failed attempts at any account.
	AddressFailures Rate
	// PairFailures limits one address's failed attempts at one e-mail. A success forgets them.
	PairFailures Rate
	// EmailFailures limits the failed attempts at one e-mail by all addresses together that it does not know.
	EmailFailures Rate
	// EmailAttempts limits their attempts, whatever comes of them: what runs at the same moment has not failed yet.
	EmailAttempts Rate
	// KnownFor is how long an address that has signed in to an e-mail is known to it.
	KnownFor time.Duration
}

// The credential operations that the default policy names.
const (
	Login    = "login"
	Register = "register"
	Refresh  = "refresh"
)

// DefaultPolicy is made for a school or an office behind one address: a class that signs in together passes, a list of
// passwords does not.
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

// maxDebt: failures that were under way when the limit was reached are charged all the same, up to this many bursts, so
// that guessing in parallel gains nothing over guessing in turn; and no further, so that an attack's end is felt.
const maxDebt = 3
