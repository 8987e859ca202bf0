package limit

import (
	"context"
	"errors"
	"fmt"
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
	// Known keeps known addresses where Redis loses them; nil: nowhere.
	Known Known
	// Observe hears which limit refused a request. Nil means nobody does.
	Observe func(limit string)
}

// Limiter counts and refuses. Safe for concurrent use. It never fails: where Redis does, this process counts alone.
type Limiter struct {
	policy   Policy
	off      bool
	names    names
	counters counters
	known    Known
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
	l := &Limiter{policy: DefaultPolicy(), off: o.Off, names: newNames(o.Key), counters: newCounters(o), known: o.Known, observe: o.Observe}
	if o.Policy != nil {
		l.policy = *o.Policy
	}
	return l, nil
}

// Probe does with Redis what requests do, and says what keeps limits from being shared.
func (l *Limiter) Probe(ctx context.Context) error {
	if l.off || l.counters.redis.redis == nil {
		return nil
	}
	_, err := within(ctx, func() (struct{}, error) { return struct{}{}, exercise(ctx, l.counters.redis.redis) })
	if err != nil {
		return fmt.Errorf("share limits through Redis: %w", err)
	}
	return nil
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
	ctx, cancel := l.counters.redis.bound(ctx)
	defer cancel()
	return l.refuse(limitAddress, l.counters.take(ctx, l.names.address(operation, addr), rate))
}

// AllowAttempt is asked before an e-mail's password is tried, and answers ErrTooMany where too many have failed. Each
// attempt is followed by Failed or Succeeded, or by neither where an outage kept it from being decided.
func (l *Limiter) AllowAttempt(ctx context.Context, email string, addr netip.Addr) error {
	if l.off {
		return nil
	}
	return l.allow(ctx, l.names.attempt(email, addr))
}

// AllowMail counts a mail to an e-mail's person, asked for from an address, and answers ErrTooMany where there were too many. Mails
// have counters of their own: whoever asks for them spends nobody's attempts to sign in.
func (l *Limiter) AllowMail(ctx context.Context, email string, addr netip.Addr) error {
	if l.off {
		return nil
	}
	n := l.names.mail(email, addr)
	if err := l.allow(ctx, n); err != nil {
		return err
	}
	ctx, cancel := l.counters.redis.bound(ctx)
	defer cancel()
	l.charge(ctx, n)
	return nil
}

func (l *Limiter) allow(caller context.Context, n attemptNames) error {
	ctx, cancel := l.counters.redis.bound(caller)
	defer cancel()
	limit, wait := l.judge(ctx, n)
	if limit == limitEmail && wait > 0 && l.recalls(caller, n.known) {
		return nil
	}
	return l.refuse(limit, wait)
}

// judge names the limit that says no, and for how long. A wait of zero is a yes.
func (l *Limiter) judge(ctx context.Context, n attemptNames) (limit string, wait time.Duration) {
	if wait := l.counters.spent(ctx, n.address, l.policy.AddressFailures); wait > 0 {
		return limitAddressFailures, wait
	}
	if wait := l.counters.spent(ctx, n.pair, l.policy.PairFailures); wait > 0 {
		return limitPair, wait
	}
	if l.counters.remembers(ctx, n.known) {
		return "", 0
	}
	if wait := l.counters.spent(ctx, n.email, l.policy.EmailFailures); wait > 0 {
		return limitEmail, wait
	}
	return limitEmail, l.counters.take(ctx, n.attempts, l.policy.EmailAttempts)
}

// Failed counts an attempt whose password was wrong, or whose e-mail nobody has.
func (l *Limiter) Failed(ctx context.Context, email string, addr netip.Addr) {
	if l.off {
		return
	}
	ctx, cancel := l.counters.redis.bound(ctx)
	defer cancel()
	l.charge(ctx, l.names.attempt(email, addr))
}

func (l *Limiter) charge(ctx context.Context, n attemptNames) {
	if !l.counters.remembers(ctx, n.known) {
		l.counters.charge(ctx, n.email, l.policy.EmailFailures)
	}
	l.counters.charge(ctx, n.pair, l.policy.PairFailures)
	l.counters.charge(ctx, n.address, l.policy.AddressFailures)
}

// Asked counts a request that was refused since an e-mail is taken: it slows the address, and nobody at the e-mail.
func (l *Limiter) Asked(ctx context.Context, addr netip.Addr) {
	if l.off {
		return
	}
	ctx, cancel := l.counters.redis.bound(ctx)
	defer cancel()
	l.counters.charge(ctx, l.names.attempt("", addr).address, l.policy.AddressFailures)
}

// Succeeded forgets the address's failures at this e-mail, and makes it known to it. What failed at other e-mails stays
// counted, or an account of one's own would buy guesses at those of others.
func (l *Limiter) Succeeded(ctx context.Context, email string, addr netip.Addr) {
	if l.off {
		return
	}
	ctx, cancel := l.counters.redis.bound(ctx)
	defer cancel()
	n := l.names.attempt(email, addr)
	l.counters.forget(ctx, n.pair)
	l.remember(ctx, n.known)
}

func (l *Limiter) refuse(limit string, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	l.observe(limit)
	// Retry-After counts in whole seconds; whoever comes back on the second must be let in.
	return ErrTooMany.After((wait + time.Second - 1).Truncate(time.Second))
}
