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

// buildIndex builds the index of a step beside the traffic, before dbmate finds it built and records the step. dbmate's driver
// sends a statement again whose session has ended in the middle, and IF NOT EXISTS would take the half of an index for the whole.
func (r *runner) buildIndex(ctx context.Context, statement string, patience time.Duration) error {
	if indexBuiltBy(statement) == "" {
		return nil
	}
	if err := r.dropInvalid(ctx, statement); err != nil {
		return err
	}
	return r.exec(ctx, statement, patience)
}

// dropInvalid takes away what an earlier try of this step left half-built: IF NOT EXISTS would take it for the index. It works
// over a session of its own, under the worker's name: r.conn looks on, and sees who is in the way of this, too.
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

// indexBuiltBy is the index that a statement builds beside the traffic, qualified; "" for any other statement.
func indexBuiltBy(statement string) string {
	match := concurrentIndex.FindStringSubmatch(statement)
	if match == nil {
		return ""
	}
	return pgx.Identifier{match[2], match[1]}.Sanitize()
}

// awaitInvalid says whether an index is invalid for good: while somebody builds it, it waits for the end of that.
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

// leaveNoHalf takes away what a step that failed has half-built: writers pay for an invalid index, and a unique one refuses rows.
// Whoever was in the way of building it may be in the way of this, too; then the error says what is left. Without the lock of
// migrating it touches nothing: the index may be somebody else's by now.
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
