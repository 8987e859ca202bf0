package schema

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Blocker is a session that blocks a migration. Its statement may hold personal data and is omitted.
type Blocker struct {
	PID         int
	User        string
	Application string
	State       string
	Since       time.Duration // age of its transaction; 0: none or hidden
	stranger    bool          // unrelated to this role
}

// String returns one line.
func (b Blocker) String() string {
	transaction := ""
	if b.Since > 0 {
		transaction = ", transaction open for " + b.Since.Round(time.Second).String()
	}
	return fmt.Sprintf("pid %d (%s, user %s, %s%s)", b.PID, b.Application, b.User, b.State, transaction)
}

// LockedError reports a step that got no lock and was not taken. It hides the server's error, which callers would retry beyond the
// patience.
type LockedError struct {
	Waited   time.Duration
	Blockers []Blocker
}

// Error names the blockers.
func (e *LockedError) Error() string {
	return fmt.Sprintf("no lock within %s; it is held by %s. The step was not taken: let them end, or end one by SELECT pg_terminate_backend(pid), "+
		"and run it again", e.Waited.Round(time.Millisecond), describe(e.Blockers))
}

func describe(blockers []Blocker) string {
	if len(blockers) == 0 {
		return "a session that has just let go"
	}
	lines := make([]string, len(blockers))
	for i, b := range blockers {
		lines[i] = b.String()
	}
	return strings.Join(lines, "; ")
}

func (r *runner) blockers(ctx context.Context) ([]Blocker, error) {
	return sessions(ctx, r.conn, `pid IN (
		SELECT unnest(pg_blocking_pids(waiter.pid)) FROM pg_stat_activity AS waiter WHERE waiter.application_name = $1)`, r.worker)
}

func holdersOfLock(ctx context.Context, conn *pgx.Conn) ([]Blocker, error) {
	return sessions(ctx, conn, `pid IN (
		SELECT held.pid FROM pg_locks AS held JOIN pg_database AS here ON here.oid = held.database AND here.datname = current_database()
		WHERE held.locktype = 'advisory' AND held.objsubid = 1 AND held.granted AND (held.classid::bigint << 32 | held.objid::bigint) = $1)`,
		int64(lockKey))
}

// allStrangers reports whether sessions exist and none is of a related role.
func allStrangers(found []Blocker) bool {
	return len(found) > 0 && !slices.ContainsFunc(found, func(b Blocker) bool { return !b.stranger })
}

func sessions(ctx context.Context, conn *pgx.Conn, condition string, arg any) ([]Blocker, error) {
	rows, err := conn.Query(ctx, `
		SELECT pid, coalesce(usename, ''), coalesce(nullif(application_name, ''), 'unnamed'),
			coalesce(state, backend_type, 'of another role'), coalesce(extract(epoch FROM clock_timestamp() - xact_start), 0)::float8,
			NOT coalesce(pg_has_role(usesysid, 'USAGE') OR pg_has_role(usesysid, current_user, 'USAGE'), false)
		FROM pg_stat_activity WHERE `+condition, arg)
	if err != nil {
		return nil, fmt.Errorf("ask who holds the lock: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (b Blocker, err error) {
		var seconds float64
		err = row.Scan(&b.PID, &b.User, &b.Application, &b.State, &seconds, &b.stranger)
		b.Since = time.Duration(seconds * float64(time.Second))
		return b, err
	})
	if err != nil {
		return nil, fmt.Errorf("ask who holds the lock: %w", err)
	}
	return found, nil
}
