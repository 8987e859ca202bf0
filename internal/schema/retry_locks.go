package schema

import (
	"context"
	"errors"
	"fmt"
	"math"
	mathrand "math/rand/v2"
	"time"

	"github.com/amacneil/dbmate/v2/pkg/dbmate"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/lib/pq"

	"auth-v2-service/internal/sleep"
)

// lockNotAvailable is the SQLSTATE of a lock_timeout.
const lockNotAvailable = "55P03"

// retryLocks repeats a step until it has its locks or patience ends. In a transaction it leaves the lock queue quickly. Outside (CREATE
// INDEX CONCURRENTLY) it waits and blocks no session.
func (r *runner) retryLocks(ctx context.Context, inTransaction bool, try func(patience time.Duration) error) error {
	began := time.Now()
	for round := 0; ; round++ {
		patience := lockTimeout
		if !inTransaction {
			patience = max(r.patience-time.Since(began), lockTimeout)
		}
		blockers, err := r.watched(ctx, func() error { return try(patience) })
		err = explained(err)
		if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
			return errors.Join(ended, err)
		}
		if sqlState(err) != lockNotAvailable {
			return err
		}
		if waited := time.Since(began); waited >= r.patience {
			return &LockedError{Waited: waited, Blockers: blockers}
		}
		r.log.WarnContext(ctx, "a migration waits for a lock", "held_by", describe(blockers))
		if err := r.yieldAutovacuum(ctx); err != nil {
			return err
		}
		if err := sleep.Context(ctx, backoff(round)); err != nil {
			return err
		}
	}
}

// backoff lets queued sessions pass: 100 ms to 3.2 s, with jitter.
func backoff(round int) time.Duration {
	most := 100 * time.Millisecond * time.Duration(math.Pow(2, float64(min(round, 5))))
	return most/2 + mathrand.N(most/2+1) //nolint:gosec // spreads retries, protects nothing
}

// explained unwraps dbmate's error and adds the server's hint.
func explained(err error) error {
	var query *dbmate.QueryError
	if errors.As(err, &query) {
		err = query.Err
	}
	hint := ""
	var refused *pq.Error
	var answered *pgconn.PgError
	switch {
	case errors.As(err, &refused):
		hint = refused.Hint
	case errors.As(err, &answered):
		hint = answered.Hint
	}
	if hint != "" {
		return fmt.Errorf("%w. %s", err, hint)
	}
	return err
}

func sqlState(err error) string {
	var refused interface{ SQLState() string }
	if errors.As(err, &refused) {
		return refused.SQLState()
	}
	return ""
}
