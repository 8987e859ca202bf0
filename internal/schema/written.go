package schema

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// written holds a transaction's changes to auth's tables. TRUNCATE is not counted, hence the flag some.
type written struct {
	tables map[int64]tableRows
}

type tableRows struct {
	name    string
	changed int64 // updated or deleted
	some    bool
}

func readWritten(ctx context.Context, tx pgx.Tx, places []stored) (written, error) {
	found := written{map[int64]tableRows{}}
	for _, p := range places {
		if _, known := found.tables[p.Relation]; known || p.Sequence || p.Table == archive || p.Table == Table || !strings.HasPrefix(p.Table, "auth.") {
			continue
		}
		rows := tableRows{name: p.Table}
		var err error
		if rows.changed, err = changedRows(ctx, tx, p.Relation); err == nil {
			err = tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+p.Table+")").Scan(&rows.some)
		}
		if err != nil {
			return found, fmt.Errorf("look at the rows of %s: %w", p.Table, err)
		}
		found.tables[p.Relation] = rows
	}
	return found, nil
}

func changedRows(ctx context.Context, tx pgx.Tx, relation int64) (n int64, err error) {
	err = tx.QueryRow(ctx, "SELECT pg_stat_get_xact_tuples_updated($1::bigint::oid) + pg_stat_get_xact_tuples_deleted($1::bigint::oid)", relation).Scan(&n)
	return n, err
}

// judge describes changed rows that were not archived.
func (w written) judge(ctx context.Context, tx pgx.Tx, after []stored, archived bool, allowed []string) ([]string, error) {
	now, err := readWritten(ctx, tx, after)
	if err != nil {
		return nil, err
	}
	var words []string
	for relation, then := range w.tables {
		here, stays := now.tables[relation]
		changed := here.changed - then.changed
		if !stays || slices.Contains(allowed, then.name) || (changed == 0 && then.some == here.some) {
			continue
		}
		var kept int64
		if archived {
			if kept, err = (loss{stored: stored{Table: then.name}, whole: true}).kept(ctx, tx); err != nil {
				return nil, err
			}
		}
		switch {
		case changed > kept:
			words = append(words, fmt.Sprintf("%d rows of %s are deleted or written over, of which the archive gets %d", changed, then.name, kept))
		case then.some && !here.some && kept == 0:
			words = append(words, fmt.Sprintf("%s is emptied, and the archive gets none of its rows", then.name))
		}
	}
	slices.Sort(words)
	return words, nil
}
