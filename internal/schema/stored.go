package schema

import (
	"context"
	_ "embed"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"
)

//go:embed stored.sql
var storedQuery string

// archive keeps what steps down remove.
const archive = "auth.federation_archive"

// stored is a column, a table without columns (Number 0) or a sequence.
type stored struct {
	Relation int64
	Number   int
	Sequence bool
	Table    string // qualified, quoted
	Column   string // quoted
	Plain    string // unquoted
	Type     string
	Default  string
}

type storedKey struct {
	relation int64
	number   int
}

func (s stored) key() storedKey { return storedKey{s.Relation, s.Number} }

func readStored(ctx context.Context, tx pgx.Tx) ([]stored, error) {
	rows, err := tx.Query(ctx, storedQuery)
	if err != nil {
		return nil, fmt.Errorf("look at what holds data: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[stored])
}

// loss is a table, column or sequence that a step down removes, or a column that it retypes.
type loss struct {
	stored
	whole   bool // the whole table or sequence
	retyped bool
}

// String returns the SQL name.
func (l loss) String() string {
	if l.whole {
		return l.Table
	}
	return l.Table + "." + l.Column
}

func losses(before, after []stored) []loss {
	relations, places := map[int64]bool{}, map[storedKey]stored{}
	for _, s := range after {
		relations[s.Relation], places[s.key()] = true, s
	}
	var lost []loss
	told := map[int64]bool{}
	for _, s := range before {
		now, there := places[s.key()]
		switch {
		case !relations[s.Relation]:
			if !told[s.Relation] {
				lost = append(lost, loss{stored: s, whole: true})
			}
			told[s.Relation] = true
		case !there && s.Number > 0:
			lost = append(lost, loss{stored: s})
		case there && now.Type != s.Type:
			lost = append(lost, loss{stored: s, retyped: true})
		}
	}
	return lost
}

// constant matches a constant default, such as 'local'::character varying, 0, true or '{}'::jsonb.
var constant = regexp.MustCompile(`^\(?('(?:[^']|'')*'|-?[0-9.]+|true|false)\)?(::[a-z "._\[\](),0-9]+)?$`)

// held counts values at risk. The next step up restores a constant default. For a retyped column it counts non-NULL values.
func (l loss) held(ctx context.Context, tx pgx.Tx) (count int64, err error) {
	query := "SELECT count(*) FROM " + l.Table
	switch {
	case l.Sequence:
		query = "SELECT CASE WHEN is_called THEN 1 ELSE 0 END FROM " + l.Table
	case l.whole:
	case l.retyped, !constant.MatchString(l.Default):
		query += " WHERE " + l.Column + " IS NOT NULL"
	default:
		query += fmt.Sprintf(" WHERE %s::text IS DISTINCT FROM (%s)::text", l.Column, l.Default)
	}
	if err = tx.QueryRow(ctx, query).Scan(&count); err != nil {
		return 0, fmt.Errorf("count what %s holds: %w", l, err)
	}
	return count, nil
}

// digest compares the values' text across a change of type.
func (l loss) digest(ctx context.Context, tx pgx.Tx) (digest string, err error) {
	var names struct{ table, column string }
	err = tx.QueryRow(ctx, `SELECT format('%I.%I', n.nspname, c.relname), quote_ident(a.attname)
		FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_attribute AS a ON a.attrelid = c.oid
		WHERE c.oid = $1::bigint::oid AND a.attnum = $2::int`, l.Relation, l.Number).Scan(&names.table, &names.column)
	if err == nil { // the step may have renamed either
		err = tx.QueryRow(ctx, fmt.Sprintf("SELECT count(%[1]s) || ' ' || coalesce(sum(hashtextextended(%[1]s::text, 0)), 0) FROM %[2]s", names.column, names.table)).Scan(&digest)
	}
	if err != nil {
		return "", fmt.Errorf("read the values of %s: %w", l, err)
	}
	return digest, nil
}

// kept counts what this transaction archived.
func (l loss) kept(ctx context.Context, tx pgx.Tx) (count int64, err error) {
	query := "SELECT count(*) FROM " + archive + " WHERE relation = $1 AND archived_at >= now()"
	arguments := []any{l.Table}
	if !l.whole {
		query += " AND facts ? $2"
		arguments = append(arguments, l.Plain)
	}
	if err = tx.QueryRow(ctx, query, arguments...).Scan(&count); err != nil {
		return 0, fmt.Errorf("count what the archive keeps of %s: %w", l, err)
	}
	return count, nil
}
