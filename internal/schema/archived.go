package schema

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Archived lists archived rows by relation: "auth.users 12, auth.tombstones 3", or "".
func Archived(ctx context.Context, o Options) (string, error) {
	conn, err := connect(ctx, o.DatabaseURL)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var there bool
	if err := conn.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", archive).Scan(&there); err != nil || !there {
		return "", err
	}
	rows, err := conn.Query(ctx, "SELECT relation || ' ' || count(*) FROM "+archive+" GROUP BY relation ORDER BY relation")
	if err != nil {
		return "", fmt.Errorf("look at what the archive keeps: %w", err)
	}
	kept, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return strings.Join(kept, ", "), err
}

// archivedFacts counts values by relation and fact.
type archivedFacts map[[2]string]int64

func readArchived(ctx context.Context, tx pgx.Tx, places []stored) (archivedFacts, error) {
	found := archivedFacts{}
	if !slices.ContainsFunc(places, func(p stored) bool { return p.Table == archive }) {
		return found, nil
	}
	rows, err := tx.Query(ctx, `SELECT kept.relation, coalesce(fact.name, ''), count(*)
		FROM `+archive+` AS kept
		LEFT JOIN LATERAL jsonb_object_keys(CASE WHEN jsonb_typeof(kept.facts) = 'object' THEN kept.facts ELSE '{}' END) AS fact (name) ON true
		GROUP BY 1, 2`)
	if err != nil {
		return nil, fmt.Errorf("look into the archive: %w", err)
	}
	var about [2]string
	var count int64
	_, err = pgx.ForEachRow(rows, []any{&about[0], &about[1], &count}, func() error {
		found[about] = count
		return nil
	})
	return found, err
}

// judge names facts that a step removed from the archive. A dropped archive counts as a lost table.
func (f archivedFacts) judge(ctx context.Context, tx pgx.Tx, after []stored) ([]string, error) {
	now, err := readArchived(ctx, tx, after)
	if err != nil || len(now) == 0 && !slices.ContainsFunc(after, func(p stored) bool { return p.Table == archive }) {
		return nil, err
	}
	var words []string
	for about, count := range f {
		if now[about] < count {
			name := strings.TrimSuffix(about[0]+"."+about[1], ".")
			words = append(words, fmt.Sprintf("the archive has %d values of %s, and %d after it", count, name, now[about]))
		}
	}
	slices.Sort(words)
	return words, nil
}
