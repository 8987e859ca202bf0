package schema

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/sleep"
)

// lockKey names the advisory lock of migrating: any constant that nobody else in this database uses.
const lockKey = 0x61757468_76320001

// lockPoll is how often a waiting instance tries. A blocking pg_advisory_lock would deadlock with CREATE INDEX CONCURRENTLY,
// which waits for every older transaction, the waiter's included.
const lockPoll = 50 * time.Millisecond

const (
	// lockLook is how often a waiting instance looks who holds the lock.
	lockLook = time.Second
	// lockNews is how often it says so.
	lockNews = 10 * time.Second
)

// lock waits until this session holds the lock; the session's end releases it, also after kill -9. While somebody of ours works
// it waits without end. Any role may take an advisory lock: for a stranger it waits no longer than the patience.
func lock(ctx context.Context, conn *pgx.Conn, patience time.Duration, log *slog.Logger) error {
	began := time.Now()
	watch := lockWatch{conn: conn, patience: patience, log: log, began: began, looked: began, alone: began}
	for {
		var held bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(lockKey)).Scan(&held); err != nil {
			return fmt.Errorf("lock for migrating: %w", err)
		}
		if held {
			return nil
		}
		if err := watch.look(ctx); err != nil {
			return fmt.Errorf("lock for migrating: %w", err)
		}
		if err := sleep.Context(ctx, lockPoll); err != nil {
			return fmt.Errorf("wait for the lock of migrating: %w", err)
		}
	}
}

// lockWatch looks now and then at who holds the lock of migrating: since alone none of ours has.
type lockWatch struct {
	conn                       *pgx.Conn
	patience                   time.Duration
	log                        *slog.Logger
	began, looked, alone, said time.Time
}

// look gives an error when the patience with strangers is at an end.
func (w *lockWatch) look(ctx context.Context) error {
	if time.Since(w.looked) < min(lockLook, w.patience) {
		return nil
	}
	holders, err := holdersOfLock(ctx, w.conn)
	if err != nil {
		return err
	}
	w.looked = time.Now()
	if !allStrangers(holders) {
		w.alone = w.looked
	}
	if time.Since(w.alone) >= w.patience {
		return &LockedError{Waited: time.Since(w.began), Blockers: holders}
	}
	if time.Since(w.said) >= lockNews {
		w.said = w.looked
		w.log.InfoContext(ctx, "waiting for the lock of migrating", "held_by", describe(holders))
	}
	return nil
}
