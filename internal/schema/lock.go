package schema

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/sleep"
)

// lockKey must be unique in this database.
const lockKey = 0x61757468_76320001

// lockPoll is the polling interval: a blocking pg_advisory_lock would deadlock with CREATE INDEX CONCURRENTLY, which waits for older
// transactions.
const lockPoll = 50 * time.Millisecond

const (
	// lockLook is the interval between looks at the lock's holder.
	lockLook = time.Second
	// lockNews is the interval between log lines.
	lockNews = 10 * time.Second
)

// lock polls for the migration lock, which ends with the session, also after kill -9. It waits for a related role without limit, for any
// other role only for patience.
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

// lockWatch observes the lock's holders. alone is when a related role last held it.
type lockWatch struct {
	conn                       *pgx.Conn
	patience                   time.Duration
	log                        *slog.Logger
	began, looked, alone, said time.Time
}

// look returns *LockedError when the patience ends.
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
