package limit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/breaker"
	"auth-v2-service/internal/fault"
)

// ErrTooMany is rate_limited with the time to wait.
var ErrTooMany = fault.New(fault.RateLimited, "too many requests, try again later")

const (
	limitAddress         = "address"
	limitAddressFailures = "address_failures"
	limitPair            = "email_and_address"
	limitEmail           = "email"
)

// Options configures a Limiter.
type Options struct {
	// Redis is shared by all instances. Nil: memory only.
	Redis redis.UniversalClient
	// Key of 32 bytes or more hashes names. All instances share it.
	Key []byte
	// Policy nil: DefaultPolicy.
	Policy *Policy
	// Patience bounds a request's wait for Redis. Zero: 100 ms.
	Patience time.Duration
	// Off admits everything; never in production.
	Off    bool
	Logger *slog.Logger
	// Clock is for memory. Nil: time.Now.
	Clock   func() time.Time
	Known   Known
	Observe func(limit string)
}

// Limiter never fails. It is safe for concurrent use.
type Limiter struct {
	policy   Policy
	off      bool
	names    names
	counters counters
	known    Known
	observe  func(limit string)
}

// New does not wait for Redis.
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

// Probe runs all Redis operations once.
func (l *Limiter) Probe(ctx context.Context) error {
	if l.off || l.counters.redis.redis == nil {
		return nil
	}
	_, err := breaker.Within(ctx, func() (struct{}, error) { return struct{}{}, exercise(ctx, l.counters.redis.redis) })
	if err != nil {
		return fmt.Errorf("share limits through Redis: %w", err)
	}
	return nil
}

// AllowAddress counts a request, or returns ErrTooMany.
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

// AllowAttempt precedes a password check. Failed or Succeeded follows unless an outage intervenes.
func (l *Limiter) AllowAttempt(ctx context.Context, email string, addr netip.Addr) error {
	if l.off {
		return nil
	}
	return l.allow(ctx, l.names.attempt(email, addr))
}

// AllowMail counts mails apart from sign-in attempts.
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

// Failed counts a wrong password or unknown e-mail.
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

// Asked counts a request for a taken e-mail against its address only.
func (l *Limiter) Asked(ctx context.Context, addr netip.Addr) {
	if l.off {
		return
	}
	ctx, cancel := l.counters.redis.bound(ctx)
	defer cancel()
	l.counters.charge(ctx, l.names.attempt("", addr).address, l.policy.AddressFailures)
}

// Succeeded resets failures of this pair and makes the address known. Failures at other e-mails stay: an own account must not buy guesses.
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
	// a retry at that second must pass
	return ErrTooMany.After((wait + time.Second - 1).Truncate(time.Second))
}
