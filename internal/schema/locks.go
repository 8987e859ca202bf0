package schema

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/pause"
)

// Blocker is a session that holds what a migration needs. Its statement is left out: it may hold people's data.
type Blocker struct {
	PID         int
	User        string
	Application string
	State       string
	Since       time.Duration // how long its transaction has been open; 0 where none is, or another role's is hidden
	stranger    bool          // of a role that has nothing to do with ours
}

// String is one line for people.
func (b Blocker) String() string {
	transaction := ""
	if b.Since > 0 {
		transaction = ", transaction open for " + b.Since.Round(time.Second).String()
	}
	return fmt.Sprintf("pid %d (%s, user %s, %s%s)", b.PID, b.Application, b.User, b.State, transaction)
}

// LockedError says that a step gave up because others held what it needs. The step has not been taken. It hides the server's
// own error: whoever knows that one as something that passes by itself would try again, beyond the patience asked for.
type LockedError struct {
	Waited   time.Duration
	Blockers []Blocker
}

// Error names who is in the way and what to do.
func (e *LockedError) Error() string {
	return fmt.Sprintf("no lock within %s; it is held by %s. The step was not taken: let them end, or end one by SELECT pg_terminate_backend(pid), "+
		"and run it again", e.Waited.Round(time.Millisecond), describe(e.Blockers))
}

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

// cleanUpLimit is how long taking away what a failed step has left may last.
const cleanUpLimit = 5 * time.Second

// stepGrace is how long a step may take to end that has been told to.
const stepGrace = 5 * time.Second

var (
	// errLockLost says that somebody else may be migrating by now.
	errLockLost = errors.New("the session that holds the lock of migrating is gone")
	// errUnanswered says that a step was given up by us, and perhaps not by the server.
	errUnanswered = errors.New("the server does not answer: it ends the step when it notices that we have gone")
)

// watched runs a step and sees meanwhile who blocks it. When ctx ends, or the lock of migrating is lost, it cancels the step at
// the server, and waits for its end for a limited time: a server that hangs holds up nobody who wants to leave.
func (r *runner) watched(ctx context.Context, step func() error) ([]Blocker, error) {
	if err := r.holdsLock(ctx); err != nil {
		return nil, err
	}
	done := make(chan error, 1)
	go func() { done <- step() }()
	looking, stop := outliving(ctx, stepGrace)
	defer stop()
	var last []Blocker
	for {
		select {
		case err := <-done:
			return last, err
		case <-looking.Done():
			return last, errUnanswered
		case <-time.After(blockersPoll):
		}
		switch {
		case r.conn.IsClosed():
			return last, r.abandon(ctx, done)
		case ctx.Err() != nil:
			_, _ = r.conn.Exec(looking, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = $1", r.worker)
		default:
			// A look that fails says nothing about the step, which has a connection of its own.
			if found, err := r.blockers(looking); err == nil && len(found) > 0 {
				last = found
			}
		}
	}
}

// outliving is a context that ends a time after ctx has ended.
func outliving(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	longer, end := context.WithCancel(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, func() {
		_ = pause.For(longer, by)
		end()
	})
	return longer, func() {
		forget()
		end()
	}
}

// holdsLock says whether this session lives and holds the lock of migrating still.
func (r *runner) holdsLock(ctx context.Context) error {
	holders, err := holdersOfLock(ctx, r.conn)
	if err != nil {
		return fmt.Errorf("%w: %w", errLockLost, err)
	}
	if !slices.ContainsFunc(holders, func(b Blocker) bool { return b.PID == int(r.conn.PgConn().PID()) }) {
		return errLockLost
	}
	return nil
}

// abandon ends a step that nothing keeps others from any more, and gives its error. Only one that has completed is a success.
func (r *runner) abandon(ctx context.Context, done <-chan error) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), stepGrace)
	defer stop()
	lost := fmt.Errorf("%w: %w", errLockLost, r.conn.Ping(ctx))
	for {
		_ = r.endWorkers(ctx) // the step's own end is what counts
		select {
		case err := <-done:
			if err == nil {
				return nil
			}
			return fmt.Errorf("%w; the step ended with: %w", lost, err)
		case <-ctx.Done():
			return fmt.Errorf("%w; %w", lost, errUnanswered)
		case <-time.After(lockPoll):
		}
	}
}

// endWorkers ends this worker's sessions, over a fresh one.
func (r *runner) endWorkers(ctx context.Context) error {
	conn, err := r.session(ctx, lockTimeout)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()", r.worker)
	return err
}

func (r *runner) blockers(ctx context.Context) ([]Blocker, error) {
	return sessions(ctx, r.conn, `pid IN (
		SELECT unnest(pg_blocking_pids(waiter.pid)) FROM pg_stat_activity AS waiter WHERE waiter.application_name = $1)`, r.worker)
}

// holdersOfLock is who holds the lock of migrating: one session, or none that has just let go.
func holdersOfLock(ctx context.Context, conn *pgx.Conn) ([]Blocker, error) {
	return sessions(ctx, conn, `pid IN (
		SELECT held.pid FROM pg_locks AS held JOIN pg_database AS here ON here.oid = held.database AND here.datname = current_database()
		WHERE held.locktype = 'advisory' AND held.objsubid = 1 AND held.granted AND (held.classid::bigint << 32 | held.objid::bigint) = $1)`,
		int64(lockKey))
}

// allStrangers says whether sessions are there, and none is of our role, of one that we may act for, or of one that may act for us.
func allStrangers(found []Blocker) bool {
	return len(found) > 0 && !slices.ContainsFunc(found, func(b Blocker) bool { return !b.stranger })
}

// sessions are those of this server that a condition holds for.
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
		if err := pause.For(ctx, lockPoll); err != nil {
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

// worker begins the name of every session that takes steps. The two drivers read a space in a URL in two ways.
const worker = "authd-migrate-"

// endOrphans ends the sessions of migrators that are gone. Whoever holds the advisory lock is the only one who may work, and
// a server needs some time to notice that a client was killed: until then its statement goes on, and would meet ours. Only
// sessions that we may end count: anybody can give his a name.
func (r *runner) endOrphans(ctx context.Context) error {
	began := time.Now()
	told := map[int]bool{}
	for {
		orphans, err := r.orphans(ctx)
		if err != nil || len(orphans) == 0 {
			return err
		}
		if waited := time.Since(began); waited >= r.patience {
			return fmt.Errorf("end the sessions of killed migrators: %w", &LockedError{Waited: waited, Blockers: orphans})
		}
		for _, orphan := range orphans {
			_, err := r.conn.Exec(ctx, "SELECT pg_terminate_backend($1)", orphan.PID)
			if !told[orphan.PID] {
				r.log.WarnContext(ctx, "ending the session of a migrator that is gone", "pid", orphan.PID, "ended", err == nil)
			}
			told[orphan.PID] = true
		}
		if err := pause.For(ctx, lockPoll); err != nil {
			return fmt.Errorf("wait for the end of a killed migrator's session: %w", err)
		}
	}
}

func (r *runner) orphans(ctx context.Context) ([]Blocker, error) {
	return sessions(ctx, r.conn, "datname = current_database() AND starts_with(application_name, $1) AND pg_has_role(usesysid, 'USAGE')", worker)
}
