package schema

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"auth-v2-service/internal/sleep"
)

// blockersPoll is how often a step's session is looked at; well within lockTimeout.
const blockersPoll = 50 * time.Millisecond

// cleanUpLimit is how long taking away what a failed step has left may last.
const cleanUpLimit = 5 * time.Second

// stepGrace is how long a step may take to end that has been told to.
const stepGrace = 5 * time.Second

var (
	// errLockLost says that somebody else may be migrating by now.
	errLockLost = errors.New("the session that holds the lock of migrating is gone")
	// errUnanswered says that a step was given up by us, and perhaps not by the server.
	errUnanswered = errors.New("the server does not answer: it ends the step when it notices that we have gone")
)

// watched runs a step and sees meanwhile who blocks it. When ctx ends, or the lock of migrating is lost, it cancels the step at
// the server, and waits for its end for a limited time: a server that hangs holds up nobody who wants to leave.
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
			// A look that fails says nothing about the step, which has a connection of its own.
			if found, err := r.blockers(looking); err == nil && len(found) > 0 {
				last = found
			}
		}
	}
}

// outliving is a context that ends a time after ctx has ended.
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

// holdsLock says whether this session lives and holds the lock of migrating still.
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

// abandon ends a step that nothing keeps others from any more, and gives its error. Only one that has completed is a success.
func (r *runner) abandon(ctx context.Context, done <-chan error) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), stepGrace)
	defer stop()
	lost := fmt.Errorf("%w: %w", errLockLost, r.conn.Ping(ctx))
	for {
		_ = r.endWorkers(ctx) // the step's own end is what counts
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

// endWorkers ends this worker's sessions, over a fresh one.
func (r *runner) endWorkers(ctx context.Context) error {
	conn, err := r.session(ctx, lockTimeout)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()", r.worker)
	return err
}
