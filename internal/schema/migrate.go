package schema

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/amacneil/dbmate/v2/pkg/dbmate"
)

// Table is where dbmate keeps the versions it has applied.
const Table = "auth.schema_migrations"

// Options say how to change a schema. DatabaseURL must reach PostgreSQL itself, not a transaction pooler: the advisory lock
// lives in a session. To is the last version to apply ("": all). Patience is how long one step may go without a lock that it
// needs before it gives up (0: a minute); so long it waits for a stranger, too, who holds the lock of migrating. MaxHashCost is the
// bcrypt cost above which a survey names a row (0: 14).
type Options struct {
	DatabaseURL string
	To          string
	Patience    time.Duration
	Logger      *slog.Logger
	MaxHashCost int
}

const defaultMaxHashCost = 14

// Migrate applies what is pending, one migration after the other, under an advisory lock: of many instances one works and the
// others wait for it (D1). Where nothing is pending it needs no lock, and waits for nobody. No step waits longer than a moment in
// front of other sessions (D4). An error wraps a *LockedError when a step could not get its lock; whatever was applied before
// stays applied, and a rerun goes on from there.
func Migrate(ctx context.Context, o Options) error {
	if steps, err := look(ctx, o); err != nil || len(steps) == 0 {
		return err
	}
	return withRunner(ctx, o, func(r *runner) error {
		steps, err := pending(ctx, r.conn, o.To)
		if err != nil {
			return err
		}
		for _, file := range steps {
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
	steps, err := pending(ctx, conn, o.To)
	return steps, endedBy(ctx, err)
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
