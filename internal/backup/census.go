package backup

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/schema"
)

// lockTimeout also limits sessions queued behind a backup.
const lockTimeout = 10 * time.Second

type census struct {
	tables                     []Table
	migrations                 []string
	extensions                 []Extension
	owners                     []Owner
	dependents                 []string
	fingerprint, withoutGrants string
}

type inside struct{ pgx.Tx }

func (i inside) BeginTx(ctx context.Context, _ pgx.TxOptions) (pgx.Tx, error) { return i.Begin(ctx) }

// atOneInstant runs work on one read-only snapshot. It locks the tables: a later ALTER would mix old rows with new columns.
func (s *server) atOneInstant(ctx context.Context, onlyAuth bool, work func(tx pgx.Tx) error) error {
	tables, err := column[string](ctx, s, tablesQuery, onlyAuth)
	if err != nil {
		return fmt.Errorf("list the tables: %w", err)
	}
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, s, options, func(tx pgx.Tx) error {
		if len(tables) > 0 {
			if _, err := tx.Exec(ctx, "LOCK TABLE ONLY "+strings.Join(tables, ", ONLY ")+" IN ACCESS SHARE MODE"); err != nil {
				return fmt.Errorf("lock the tables for reading: %w", err)
			}
		}
		return work(tx)
	})
}

func count(ctx context.Context, tx pgx.Tx, onlyAuth bool) (census, error) {
	var c census
	names, err := column[string](ctx, tx, tablesQuery, onlyAuth)
	if err != nil {
		return c, fmt.Errorf("list the tables: %w", err)
	}
	for _, name := range names {
		table := Table{Name: name}
		if err := tx.QueryRow(ctx, checksumStatement(name)).Scan(&table.Rows, &table.Checksum); err != nil {
			return c, fmt.Errorf("sum up %s: %w", name, err)
		}
		c.tables = append(c.tables, table)
	}
	if slices.Contains(names, schema.Table) {
		if c.migrations, err = column[string](ctx, tx, "SELECT version FROM auth.schema_migrations ORDER BY version"); err != nil {
			return c, fmt.Errorf("read the applied migrations: %w", err)
		}
	}
	if c.extensions, err = table[Extension](ctx, tx, extensionsQuery); err != nil {
		return c, fmt.Errorf("list the extensions: %w", err)
	}
	if c.owners, err = table[Owner](ctx, tx, codeOwnersQuery, onlyAuth); err != nil {
		return c, fmt.Errorf("list the owners: %w", err)
	}
	if c.dependents, err = column[string](ctx, tx, dependentsQuery); err != nil {
		return c, fmt.Errorf("list what refers to the schema auth: %w", err)
	}
	return c, c.fingerprints(ctx, tx)
}

func (c *census) fingerprints(ctx context.Context, tx pgx.Tx) error {
	catalogue, err := schema.Read(ctx, inside{tx})
	if err != nil {
		return err
	}
	c.fingerprint = catalogue.Fingerprint()
	c.withoutGrants = slices.DeleteFunc(catalogue, func(o schema.Object) bool { return o.Kind == "grant" }).Fingerprint()
	return nil
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func column[T any](ctx context.Context, db querier, sql string, args ...any) ([]T, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}

func table[T any](ctx context.Context, db querier, sql string, args ...any) ([]T, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[T])
}

// differences lists deviations from the manifest.
func (m Manifest) differences(found census, grants, sameMajor bool) []string {
	reasons := tableDifferences(m.Tables, found.tables)
	if !slices.Equal(m.Migrations, found.migrations) {
		reasons = append(reasons, fmt.Sprintf("the applied migrations are [%s], and the manifest says [%s]",
			strings.Join(found.migrations, " "), strings.Join(m.Migrations, " ")))
	}
	switch {
	case !sameMajor: // other versions word definitions differently
	case grants && m.Fingerprint != found.fingerprint, m.FingerprintWithoutGrants != found.withoutGrants:
		reasons = append(reasons, "the objects of the schema auth are not those of the manifest (the fingerprint differs)")
	}
	return reasons
}

func tableDifferences(wanted, found []Table) []string {
	var reasons []string
	live := map[string]Table{}
	for _, table := range found {
		live[table.Name] = table
	}
	for _, want := range wanted {
		have, there := live[want.Name]
		delete(live, want.Name)
		switch {
		case !there:
			reasons = append(reasons, fmt.Sprintf("the table %s is missing", want.Name))
		case have.Rows != want.Rows:
			reasons = append(reasons, fmt.Sprintf("%s has %d rows, and the manifest says %d", want.Name, have.Rows, want.Rows))
		case have.Checksum != want.Checksum:
			reasons = append(reasons, fmt.Sprintf("%s holds other rows than the manifest says (%d of them)", want.Name, want.Rows))
		}
	}
	for _, table := range found {
		if _, extra := live[table.Name]; extra {
			reasons = append(reasons, fmt.Sprintf("the table %s is not in the manifest", table.Name))
		}
	}
	return reasons
}
