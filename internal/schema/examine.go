package schema

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server describes settings and this role's rights.
type Server struct {
	Version        string
	Number         int // such as 160004
	Encoding       string
	TimeZone       string // this role's default
	MaxConnections int
	Fsync          bool
	Durable        bool // synchronous_commit is on
	Autovacuum     bool
	PublicCreates  bool // any role may create functions in public
	Now            time.Time
	Role           string
	Rewrites       bool // this role may change audit_events
}

const serverQuery = `
	SELECT current_setting('server_version'), current_setting('server_version_num')::int, current_setting('server_encoding'),
		current_setting('TimeZone'),
		current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
		current_setting('fsync')::boolean, current_setting('synchronous_commit') <> 'off', current_setting('autovacuum')::boolean,
		coalesce(has_schema_privilege('public', to_regnamespace('public')::oid, 'CREATE'), false), clock_timestamp(), current_user::text,
		coalesce(has_table_privilege(to_regclass('auth.audit_events')::oid, 'UPDATE, DELETE, TRUNCATE'), false)`

// ExamineServer requires a connection without its own time zone.
func ExamineServer(ctx context.Context, db Querier) (Server, error) {
	var s Server
	err := db.QueryRow(ctx, serverQuery).Scan(&s.Version, &s.Number, &s.Encoding, &s.TimeZone, &s.MaxConnections, &s.Fsync, &s.Durable,
		&s.Autovacuum, &s.PublicCreates, &s.Now, &s.Role, &s.Rewrites)
	if err != nil {
		return s, fmt.Errorf("ask the server about itself: %w", err)
	}
	return s, nil
}

// HashKind counts users by kind of hash.
type HashKind struct {
	Kind   string // such as "2b"; "mark": no password fits; "unknown"
	Cost   int
	People int64
}

// ExamineHashes scans the whole table. No hash leaves the database.
func ExamineHashes(ctx context.Context, db Source) ([]HashKind, error) {
	return counted(ctx, db, `
		SELECT CASE WHEN u.password_hash ~ `+bcryptForm+` THEN split_part(u.password_hash, '$', 2)
				WHEN u.password_hash = '!' THEN 'mark' ELSE 'unknown' END AS kind,
			coalesce(`+bcryptCost+`, 0) AS cost,
			count(*) AS people
		FROM auth.users AS u
		WHERE u.password_hash IS NOT NULL
		GROUP BY 1, 2
		ORDER BY 1, 2`, pgx.RowToStructByPos[HashKind])
}

// Stuck counts moves that a reason stopped.
type Stuck struct {
	Reason string
	People int64
}

// ExamineMoves counts stopped moves by code.
func ExamineMoves(ctx context.Context, db Source) ([]Stuck, error) {
	return counted(ctx, db, `
		SELECT coalesce(failure, 'unknown') AS reason, count(*) AS people
		FROM auth.move_claims
		WHERE failed_at IS NOT NULL
		GROUP BY 1
		ORDER BY 1`, pgx.RowToStructByPos[Stuck])
}

// TokensForeign: another project's tokens came before any fitting one. TokensFitting: a fitting one came.
const (
	TokensForeign = "tokens.foreign"
	TokensFitting = "tokens.fitting"
)

// ExamineTokens returns the newest event about tokens, or "". Served by idx_audit_events_action.
func ExamineTokens(ctx context.Context, db Source) (action string, at time.Time, err error) {
	type told struct {
		Action string
		At     time.Time
	}
	newest, err := counted(ctx, db, `
		SELECT e.action, e.occurred_at
		FROM (VALUES ('`+TokensForeign+`'), ('`+TokensFitting+`')) AS kind (action),
			LATERAL (SELECT action, occurred_at FROM auth.audit_events WHERE action = kind.action ORDER BY occurred_at DESC LIMIT 1) AS e
		ORDER BY e.occurred_at DESC LIMIT 1`, pgx.RowToStructByPos[told])
	if err != nil || len(newest) == 0 {
		return "", time.Time{}, err
	}
	return newest[0].Action, newest[0].At, nil
}

func counted[T any](ctx context.Context, db Source, query string, row pgx.RowToFunc[T]) ([]T, error) {
	rows, err := db.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("count rows: %w", err)
	}
	found, err := pgx.CollectRows(rows, row)
	if err != nil {
		return nil, fmt.Errorf("count rows: %w", err)
	}
	return found, nil
}
