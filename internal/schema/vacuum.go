package schema

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// yieldAutovacuum makes autovacuum release a step's tables. A worker yields only to a session that waits for deadlock_timeout (1 s), longer
// than a strong lock may queue. So a weak lock (SHARE UPDATE EXCLUSIVE) waits, which stops no reader or writer. A worker against wraparound
// does not yield.
func (r *runner) yieldAutovacuum(ctx context.Context) error {
	tables, err := r.vacuumed(ctx)
	if err != nil || len(tables) == 0 {
		return err
	}
	conn, err := r.session(ctx, vacuumPatience)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, table := range tables {
		r.log.InfoContext(ctx, "asking autovacuum to let go of a table", "table", table)
		_, err := conn.Exec(ctx, "BEGIN; LOCK TABLE "+table+" IN SHARE UPDATE EXCLUSIVE MODE; COMMIT", pgx.QueryExecModeSimpleProtocol)
		if err != nil && sqlState(err) != lockNotAvailable {
			return fmt.Errorf("have autovacuum let go of %s: %w", table, err)
		}
	}
	return nil
}

// vacuumed returns auth's tables under autovacuum.
func (r *runner) vacuumed(ctx context.Context) ([]string, error) {
	rows, err := r.conn.Query(ctx, `
		SELECT DISTINCT quote_ident(space.nspname) || '.' || quote_ident(held_table.relname)
		FROM pg_locks AS held
		JOIN pg_stat_activity AS holder ON holder.pid = held.pid AND holder.usesysid IS NULL
		JOIN pg_class AS held_table ON held_table.oid = held.relation AND held_table.relkind = 'r'
		JOIN pg_namespace AS space ON space.oid = held_table.relnamespace AND space.nspname = 'auth'
		WHERE held.granted AND held.mode = 'ShareUpdateExclusiveLock'
			AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	if err != nil {
		return nil, fmt.Errorf("look for autovacuum: %w", err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("look for autovacuum: %w", err)
	}
	return tables, nil
}
