package limit

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/fault"
)

// ErrTooMany is rate_limited; each one carries how long to wait.
var ErrTooMany = fault.New(fault.RateLimited, "too many requests, try again later")

// Names of the limits, as Options.Observe hears them.
const (
	limitAddress         = "address"
	limitAddressFailures = "address_failures"
	limitPair            = "email_and_address"
	limitEmail           = "email"
)

// Options say where counts are kept and how many are allowed.
type Options struct {
	// Redis is shared by all instances; nil counts in this process only.
	Redis redis.UniversalClient
	// Key makes e-mails and addresses unreadable in Redis. All instances have the same; 32 bytes or more. Required unless Off.
	Key []byte
	// Policy is the figures; nil means DefaultPolicy.
	Policy *Policy
	// Patience is what a request may lose to Redis before this process counts alone; zero means 100 ms.
	Patience time.Duration
	// Off lets everything through (RATE_LIMIT=off, never in production).
	Off bool
	// Logger hears when Redis goes and comes. Nil means silence.
	Logger *slog.Logger
	// Clock is the time of the in-process counters; nil means time.Now. Redis counts by its own clock.
	Clock func() time.Time
	// Observe hears which limit refused a request. Nil means nobody does.
	Observe func(limit string)
}

// Limiter counts and refuses. Safe for concurrent use. It never fails: where Redis does, this process counts alone.
type Limiter struct {
	policy   Policy
	off      bool
	names    names
	counters *counters
	observe  func(limit string)
}

// New makes a limiter. It does not wait for Redis.
func New(o Options) (*Limiter, error) {
	if len(o.Key) < 32 && !o.Off {
		return nil, errors.New("limit: a key of 32 bytes or more is required")
	}
	if o.Patience <= 0 {
		o.Patience = 100 * time.Millisecond
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(string) {}
	}
	l := &Limiter{policy: DefaultPolicy(), off: o.Off, names: newNames(o.Key), counters: newCounters(o), observe: o.Observe}
	if o.Policy != nil {
		l.policy = *o.Policy
	}
	return l, nil
}

// AllowAddress counts a request for a credential operation against its client address. The error is ErrTooMany.
func (l *Limiter) AllowAddress(ctx context.Context, operation string, addr netip.Addr) error {
	rate, ok := l.policy.Address[operation]
	if !ok {
		rate, operation = l.policy.Other, "other"
	}
	if l.off || rate.N <= 0 {
		return nil
	}
	name := l.names.address(operation, addr)
	wait := ask(ctx, l.counters, func(ctx context.Context, s store) (time.Duration, error) { return take(ctx, s, name, rate) })
	return l.refuse(limitAddress, wait)
}

// AllowAttempt is asked before an e-mail's password is tried, and answers ErrTooMany where too many have failed. Each
// attempt is followed by Failed or Succeeded, or by neither where an outage kept it from being decided.
func (l *Limiter) AllowAttempt(ctx context.Context, email string, addr netip.Addr) error {
	if l.off {
		return nil
	}
	n := l.names.attempt(email, addr)
	verdict := ask(ctx, l.counters, func(ctx context.Context, s store) (refusal, error) { return l.judge(ctx, s, n) })
	return l.refuse(verdict.limit, verdict.wait)
}

// refusal is the limit that says no, and for how long. A wait of zero is a yes.
type refusal struct {
	limit string
	wait  time.Duration
}

func (l *Limiter) judge(ctx context.Context, s store, n attemptNames) (refusal, error) {
	wait, err := spent(ctx, s, n.address, l.policy.AddressFailures)
	if err != nil || wait > 0 {
		return refusal{limitAddressFailures, wait}, err
	}
	wait, err = spent(ctx, s, n.pair, l.policy.PairFailures)
	if err != nil || wait > 0 {
		return refusal{limitPair, wait}, err
	}
	known, err := s.remembers(ctx, n.known)
	if err != nil || known {
		return refusal{}, err
	}
	wait, err = spent(ctx, s, n.email, l.policy.EmailFailures)
	if err != nil || wait > 0 {
		return refusal{limitEmail, wait}, err
	}
	wait, err = take(ctx, s, n.attempts, l.policy.EmailAttempts)
	return refusal{limitEmail, wait}, err
}

// Failed counts an attempt whose password was wrong, or whose e-mail nobody has.
func (l *Limiter) Failed(ctx context.Context, email string, addr netip.Addr) {
	if l.off {
		return
	}
	n := l.names.attempt(email, addr)
	ask(ctx, l.counters, func(ctx context.Context, s store) (struct{}, error) {
		known, err := s.remembers(ctx, n.known)
		if err == nil && !known {
			err = charge(ctx, s, n.email, l.policy.EmailFailures)
		}
		return struct{}{}, errors.Join(err, charge(ctx, s, n.pair, l.policy.PairFailures), charge(ctx, s, n.address, l.policy.AddressFailures))
	})
}

// Succeeded forgets the address's failures at this e-mail, and makes it known to it. What failed at other e-mails stays
// counted, or an account of one's own would buy guesses at those of others.
func (l *Limiter) Succeeded(ctx context.Context, email string, addr netip.Addr) {
	if l.off {
		return
	}
	n := l.names.attempt(email, addr)
	l.counters.everywhere(ctx, func(ctx context.Context, s store) error {
		return errors.Join(s.forget(ctx, n.pair), s.remember(ctx, n.known, l.policy.KnownFor))
	})
}

func (l *Limiter) refuse(limit string, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	l.observe(limit)
	// Retry-After counts in whole seconds; whoever comes back on the second must be let in.
	return ErrTooMany.After((wait + time.Second - 1).Truncate(time.Second))
}

// take lets one event in and counts it, or says how long to wait.
func take(ctx context.Context, s store, name string, r Rate) (time.Duration, error) {
	if r.N <= 0 {
		return 0, nil
	}
	wait, _, err := s.count(ctx, name, r, 1)
	return wait, err
}

// spent says how long to wait until one more event would be let in, and counts none.
func spent(ctx context.Context, s store, name string, r Rate) (time.Duration, error) {
	if r.N <= 0 {
		return 0, nil
	}
	_, ahead, err := s.count(ctx, name, r, 0)
	return max(0, ahead-time.Duration(r.Burst-1)*r.interval()), err
}

// charge counts one event beyond the burst, too.
func charge(ctx context.Context, s store, name string, r Rate) error {
	if r.N <= 0 {
		return nil
	}
	r.Burst *= maxDebt
	_, _, err := s.count(ctx, name, r, 1)
	return err
}
