package schema

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/pause"
)

// Table is where dbmate keeps the versions it has applied.
const Table = "auth.schema_migrations"

// Options say how to change a schema. DatabaseURL must reach PostgreSQL itself, not a transaction pooler: the advisory lock
// lives in a session. To is the last version to apply ("": all). Patience is how long one step may go without a lock that it
// needs before it gives up (0: a minute).
type Options struct {
	DatabaseURL string
	To          string
	Patience    time.Duration
	Logger      *slog.Logger
}

// Migrate applies what is pending, one migration after the other, under an advisory lock: of many instances one works and the
// others wait for it (D1). No step waits longer than a moment in front of other sessions (D4). An error wraps a *LockedError
// when a step could not get its lock; whatever was applied before stays applied, and a rerun goes on from there.
func Migrate(ctx context.Context, o Options) error {
	return withRunner(ctx, o, func(r *runner) error {
		files, err := r.files()
		if err != nil {
			return err
		}
		if err := inOrder(files); err != nil {
			return err
		}
		for _, file := range files {
			if file.Applied || (o.To != "" && file.Version > o.To) {
				continue
			}
			began := time.Now()
			if err := r.up(ctx, file); err != nil {
				return fmt.Errorf("migrate %s: %w", file.FileName, err)
			}
			o.Logger.InfoContext(ctx, "migrated", "migration", file.FileName, "took", time.Since(began).Round(time.Millisecond).String())
		}
		return nil
	})
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
		steps, err := r.stepsDown(version)
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

// lockNews is how often a waiting instance says that it waits.
const lockNews = 10 * time.Second

// lock waits until this session holds the lock; the session's end releases it, also after kill -9.
func lock(ctx context.Context, conn *pgx.Conn, log *slog.Logger) error {
	said := time.Now()
	for {
		var held bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(lockKey)).Scan(&held); err != nil {
			return fmt.Errorf("lock for migrating: %w", err)
		}
		if held {
			return nil
		}
		if time.Since(said) > lockNews {
			said = time.Now()
			log.InfoContext(ctx, "another instance is migrating; waiting for it")
		}
		if err := pause.For(ctx, lockPoll); err != nil {
			return fmt.Errorf("wait for another instance to migrate: %w", err)
		}
	}
}
