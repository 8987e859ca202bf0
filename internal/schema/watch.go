package schema

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"auth-v2-service/internal/sleep"
)

// blockersPoll is well below lockTimeout.
const blockersPoll = 50 * time.Millisecond

const cleanUpLimit = 5 * time.Second

const stepGrace = 5 * time.Second

var (
	// errLockLost means that another instance may migrate now.
	errLockLost = errors.New("the session that holds the lock of migrating is gone")
	// errUnanswered means that the server may still run the step.
	errUnanswered = errors.New("the server does not answer: it ends the step when it notices that we have gone")
)

// watched records a step's blockers. When ctx ends or the migration lock is lost, it cancels the step. It waits stepGrace at most for a
// hanging server.
func (r *runner) watched(ctx context.Context, step func() error) ([]Blocker, error) {
	if err := r.holdsLock(ctx); err != nil {
		return nil, err
	}
	done := make(chan error, 1)
	go func() { done <- step() }()
	looking, stop := outliving(ctx, stepGrace)
	defer stop()
	var last []Blocker
	for {
		select {
		case err := <-done:
			return last, err
		case <-looking.Done():
			return last, errUnanswered
		case <-time.After(blockersPoll):
		}
		switch {
		case r.conn.IsClosed():
			return last, r.abandon(ctx, done)
		case ctx.Err() != nil:
			_, _ = r.conn.Exec(looking, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = $1", r.worker)
		default:
			// the step has its own connection
			if found, err := r.blockers(looking); err == nil && len(found) > 0 {
				last = found
			}
		}
	}
}

// outliving returns a context that ends some time after ctx.
func outliving(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	longer, end := context.WithCancel(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, func() {
		_ = sleep.Context(longer, by)
		end()
	})
	return longer, func() {
		forget()
		end()
	}
}

// holdsLock checks that this session holds the migration lock.
func (r *runner) holdsLock(ctx context.Context) error {
	holders, err := holdersOfLock(ctx, r.conn)
	if err != nil {
		return fmt.Errorf("%w: %w", errLockLost, err)
	}
	if !slices.ContainsFunc(holders, func(b Blocker) bool { return b.PID == int(r.conn.PgConn().PID()) }) {
		return errLockLost
	}
	return nil
}

// abandon ends a step without the lock. Only a completed step is a success.
func (r *runner) abandon(ctx context.Context, done <-chan error) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), stepGrace)
	defer stop()
	lost := fmt.Errorf("%w: %w", errLockLost, r.conn.Ping(ctx))
	for {
		_ = r.endWorkers(ctx) // only the step's end counts
		select {
		case err := <-done:
			if err == nil {
				return nil
			}
			return fmt.Errorf("%w; the step ended with: %w", lost, err)
		case <-ctx.Done():
			return fmt.Errorf("%w; %w", lost, errUnanswered)
		case <-time.After(lockPoll):
		}
	}
}

func (r *runner) endWorkers(ctx context.Context) error {
	conn, err := r.session(ctx, lockTimeout)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()", r.worker)
	return err
}
