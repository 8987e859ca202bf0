package schema

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/amacneil/dbmate/v2/pkg/dbmate"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/pause"
)

// Table is where dbmate keeps the versions it has applied.
const Table = "auth.schema_migrations"

// Options say how to change a schema. DatabaseURL must reach PostgreSQL itself, not a transaction pooler: the advisory lock
// lives in a session. To is the last version to apply ("": all). Patience is how long one step may go without a lock that it
// needs before it gives up (0: a minute); so long it waits for a stranger, too, who holds the lock of migrating.
type Options struct {
	DatabaseURL string
	To          string
	Patience    time.Duration
	Logger      *slog.Logger
}

// Migrate applies what is pending, one migration after the other, under an advisory lock: of many instances one works and the
// others wait for it (D1). Where nothing is pending it needs no lock, and waits for nobody. No step waits longer than a moment in
// front of other sessions (D4). An error wraps a *LockedError when a step could not get its lock; whatever was applied before
// stays applied, and a rerun goes on from there.
func Migrate(ctx context.Context, o Options) error {
	if pending, err := look(ctx, o); err != nil || len(pending) == 0 {
		return err
	}
	return withRunner(ctx, o, func(r *runner) error {
		pending, err := r.pending(ctx, o.To)
		if err != nil {
			return err
		}
		for _, file := range pending {
			began := time.Now()
			if err := r.up(ctx, file); err != nil {
				return fmt.Errorf("migrate %s: %w", file.FileName, err)
			}
			o.Logger.InfoContext(ctx, "migrated", "migration", file.FileName, "took", time.Since(began).Round(time.Millisecond).String())
		}
		return nil
	})
}

// look says what is pending, over a connection without the lock: another release may hold that for hours.
func look(ctx context.Context, o Options) ([]dbmate.Migration, error) {
	conn, err := connect(ctx, o.DatabaseURL)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return (&runner{conn: conn}).pending(ctx, o.To)
}

// Rollback takes down every migration above version, the newest first; "" takes down only the newest. It gives the file names
// of what it took down. A down that would lose data refuses, and its message says what to do; what was taken down before it
// stays down.
func Rollback(ctx context.Context, o Options, version string) (down []string, err error) {
	err = withRunner(ctx, o, func(r *runner) error {
		newer, err := r.newer(ctx)
		if err != nil {
			return err
		}
		if len(newer) > 0 {
			return fmt.Errorf("this binary does not know the applied migrations %s: roll back with the release that brought them",
				strings.Join(newer, ", "))
		}
		steps, err := r.stepsDown(ctx, version)
		if err != nil {
			return err
		}
		for _, file := range steps {
			if err := r.down(ctx, file); err != nil {
				return fmt.Errorf("roll back %s: %w", file.FileName, err)
			}
			o.Logger.InfoContext(ctx, "rolled back", "migration", file.FileName)
			down = append(down, file.FileName)
		}
		return nil
	})
	return down, err
}

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
		if err := pause.For(ctx, lockPoll); err != nil {
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
