package backup

import (
	_ "embed"

	"github.com/jackc/pgx/v5"
)

// Each file explains its query.
var (
	//go:embed sql/facts.sql
	factsQuery string
	//go:embed sql/tables.sql
	tablesQuery string
	//go:embed sql/extensions.sql
	extensionsQuery string
	//go:embed sql/owners.sql
	foreignOwnersQuery string
	//go:embed sql/code_owners.sql
	codeOwnersQuery string
	//go:embed sql/strangers.sql
	strangersQuery string
	//go:embed sql/dependents.sql
	dependentsQuery string
	//go:embed sql/scratch.sql
	forgottenScratchQuery string
	//go:embed sql/extend.sql
	extendScript string
	//go:embed sql/clear.sql
	clearScript string
	//go:embed sql/check.sql
	checkScript string
)

// checksumStatement matches check.sql; table is quoted.
func checksumStatement(table string) string {
	return `SELECT count(*), coalesce(sum(hashtextextended(line, 0)::numeric), 0) || ':' || coalesce(sum(hashtextextended(line, 1)::numeric), 0)
		FROM (SELECT (row_of_it.*)::text COLLATE "C" AS line FROM ONLY ` + table + ` AS row_of_it OFFSET 0) AS lines`
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }
