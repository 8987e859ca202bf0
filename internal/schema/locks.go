package schema

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Blocker is a session that holds what a migration needs. Its statement is left out: it may hold people's data.
type Blocker struct {
	PID         int
	User        string
	Application string
	State       string
	Since       time.Duration // how long its transaction has been open
}

// String is one line for people.
func (b Blocker) String() string {
	return fmt.Sprintf("pid %d (%s, user %s, %s, transaction open for %s)", b.PID, b.Application, b.User, b.State, b.Since.Round(time.Second))
}

// LockedError says that a step gave up because others held what it needs. Nothing of the step has been done.
type LockedError struct {
	Waited   time.Duration
	Blockers []Blocker
	cause    error
}

// Error names who is in the way and what to do.
func (e *LockedError) Error() string {
	return fmt.Sprintf("no lock within %s; it is held by %s. Nothing was changed: let them end, or end one by SELECT pg_terminate_backend(pid), "+
		"and run it again", e.Waited.Round(time.Millisecond), describe(e.Blockers))
}

// Unwrap gives the server's own error.
func (e *LockedError) Unwrap() error { return e.cause }

func describe(blockers []Blocker) string {
	if len(blockers) == 0 {
		return "somebody who has just let go"
	}
	lines := make([]string, len(blockers))
	for i, b := range blockers {
		lines[i] = b.String()
	}
	return strings.Join(lines, "; ")
}

// blockersPoll is how often a step's session is looked at; well within lockTimeout.
const blockersPoll = 50 * time.Millisecond

// watched runs a step and sees meanwhile who blocks it. When ctx ends it cancels the step's statement at the server.
func (r *runner) watched(ctx context.Context, step func() error) ([]Blocker, error) {
	done := make(chan error, 1)
	go func() { done <- step() }()
	looking := context.WithoutCancel(ctx)
	var last []Blocker
	for {
		select {
		case err := <-done:
			return last, err
		case <-time.After(blockersPoll):
		}
		if ctx.Err() != nil {
			_, _ = r.conn.Exec(looking, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = $1", r.worker)
			continue
		}
		// A look that fails says nothing about the step, which has a connection of its own.
		if found, err := r.blockers(looking); err == nil && len(found) > 0 {
			last = found
		}
	}
}

func (r *runner) blockers(ctx context.Context) ([]Blocker, error) {
	rows, err := r.conn.Query(ctx, `
		SELECT DISTINCT holder.pid, coalesce(holder.usename, ''), coalesce(nullif(holder.application_name, ''), 'unnamed'),
			coalesce(holder.state, holder.backend_type), coalesce(extract(epoch FROM clock_timestamp() - holder.xact_start), 0)::float8
		FROM pg_stat_activity AS waiter
		CROSS JOIN LATERAL unnest(pg_blocking_pids(waiter.pid)) AS blocking (pid)
		JOIN pg_stat_activity AS holder ON holder.pid = blocking.pid
		WHERE waiter.application_name = $1`, r.worker)
	if err != nil {
		return nil, fmt.Errorf("ask who holds the lock: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (b Blocker, err error) {
		var seconds float64
		err = row.Scan(&b.PID, &b.User, &b.Application, &b.State, &seconds)
		b.Since = time.Duration(seconds * float64(time.Second))
		return b, err
	})
}

var concurrentIndex = regexp.MustCompile(`(?i)CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?(\w+)\s+ON\s+(\w+)\.`)

// dropInvalid takes away what an earlier try of this step left half-built: IF NOT EXISTS would take it for the index. A server
// that has not yet noticed its client's death may still be building it; that ends within clientCheck.
func (r *runner) dropInvalid(ctx context.Context, statement string) error {
	match := concurrentIndex.FindStringSubmatch(statement)
	if match == nil {
		return nil
	}
	index := pgx.Identifier{match[2], match[1]}.Sanitize()
	for {
		var invalid, building bool
		err := r.conn.QueryRow(ctx, `
			SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid),
				EXISTS (SELECT FROM pg_stat_progress_create_index WHERE index_relid = to_regclass($1))`, index).Scan(&invalid, &building)
		if err != nil {
			return fmt.Errorf("look for an invalid index: %w", err)
		}
		if !invalid {
			return nil
		}
		if !building {
			break
		}
		if err := pause(ctx, lockPoll); err != nil {
			return err
		}
	}
	r.log.WarnContext(ctx, "dropping an index that was left half-built", "index", index)
	if _, err := r.conn.Exec(ctx, "DROP INDEX CONCURRENTLY IF EXISTS "+index); err != nil {
		return fmt.Errorf("drop the half-built index %s: %w", index, err)
	}
	return nil
}
