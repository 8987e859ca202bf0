package schema

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/amacneil/dbmate/v2/pkg/dbmate"
)

// Table holds dbmate's applied versions.
const Table = "auth.schema_migrations"

// Options configure a change. DatabaseURL must reach PostgreSQL itself: the advisory lock lives in a session. To is the last version to
// apply ("": all). Patience limits a step's wait for locks (0: a minute), and the wait for an unrelated lock holder. A survey reports
// bcrypt costs above MaxHashCost (0: 14).
type Options struct {
	DatabaseURL string
	To          string
	Patience    time.Duration
	Logger      *slog.Logger
	MaxHashCost int
}

const defaultMaxHashCost = 14

// Migrate applies pending migrations under an advisory lock: one instance works, the others wait (D1). Without pending ones it takes no
// lock. No step blocks other sessions for long (D4). The error wraps *LockedError when a step got no lock. Applied migrations stay, and a
// rerun continues.
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

// look takes no lock: another release may hold it for hours.
func look(ctx context.Context, o Options) ([]dbmate.Migration, error) {
	conn, err := connect(ctx, o.DatabaseURL)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	steps, err := pending(ctx, conn, o.To)
	return steps, endedBy(ctx, err)
}

// Rollback takes down all migrations above version, newest first; "": only the newest. It returns their file names. A down that would lose
// data is refused; earlier ones stay down.
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
