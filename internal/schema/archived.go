package schema

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Archived says what the archive of steps down keeps, a relation and its rows each: "auth.users 12, auth.tombstones 3". It is "" where
// nothing is kept.
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
