package schema

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/sleep"
)

var concurrentIndex = regexp.MustCompile(`(?i)CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?(\w+)\s+ON\s+(\w+)\.`)

// buildIndex builds a step's index before dbmate does: dbmate's driver resends a statement after a lost session, and IF NOT EXISTS accepts
// a half-built index.
func (r *runner) buildIndex(ctx context.Context, statement string, patience time.Duration) error {
	if indexBuiltBy(statement) == "" {
		return nil
	}
	if err := r.dropInvalid(ctx, statement); err != nil {
		return err
	}
	return r.exec(ctx, statement, patience)
}

// dropInvalid drops a half-built index. It uses a worker session, so that r.conn sees its blockers.
func (r *runner) dropInvalid(ctx context.Context, statement string) error {
	index := indexBuiltBy(statement)
	if index == "" {
		return nil
	}
	conn, err := r.session(ctx, r.patience)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if invalid, err := awaitInvalid(ctx, conn, index); err != nil || !invalid {
		return err
	}
	r.log.WarnContext(ctx, "dropping an index that was left half-built", "index", index)
	if _, err := conn.Exec(ctx, "DROP INDEX CONCURRENTLY IF EXISTS "+index); err != nil {
		return fmt.Errorf("drop the half-built index %s: %w", index, err)
	}
	return nil
}

// indexBuiltBy returns the index that a statement builds concurrently, qualified, or "".
func indexBuiltBy(statement string) string {
	match := concurrentIndex.FindStringSubmatch(statement)
	if match == nil {
		return ""
	}
	return pgx.Identifier{match[2], match[1]}.Sanitize()
}

// awaitInvalid reports an invalid index. It first waits for a build in progress.
func awaitInvalid(ctx context.Context, conn *pgx.Conn, index string) (bool, error) {
	for {
		var invalid, building bool
		err := conn.QueryRow(ctx, `
			SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid),
				EXISTS (SELECT FROM pg_stat_progress_create_index WHERE index_relid = to_regclass($1))`, index).Scan(&invalid, &building)
		if err != nil {
			return false, fmt.Errorf("look for an invalid index: %w", err)
		}
		if !invalid || !building {
			return invalid, nil
		}
		if err := sleep.Context(ctx, lockPoll); err != nil {
			return false, err
		}
	}
}

// leaveNoHalf drops a half-built index: it slows writers and may refuse rows. Without the migration lock the index may belong to another
// instance and stays.
func (r *runner) leaveNoHalf(ctx context.Context, statement string, failure error) error {
	index := indexBuiltBy(statement)
	if index == "" || failure == nil {
		return failure
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpLimit)
	defer cancel()
	if r.holdsLock(ctx) != nil {
		return failure
	}
	conn, err := r.session(ctx, lockTimeout)
	if err != nil {
		return failure
	}
	defer conn.Close(context.WithoutCancel(ctx))
	invalid, err := awaitInvalid(ctx, conn, index)
	if err == nil && invalid {
		_, err = conn.Exec(ctx, "DROP INDEX CONCURRENTLY IF EXISTS "+index)
	}
	if err != nil {
		return fmt.Errorf("%w. The index %s is left half-built; the next run drops it first", failure, index)
	}
	return failure
}
