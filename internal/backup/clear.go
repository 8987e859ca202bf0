package backup

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// people marks a database in use.
const people = "auth.users"

type cleared struct {
	Name        string `json:"name"`
	MustBeEmpty bool   `json:"must_be_empty"`
}

// clearing runs before the dump: see clear.sql.
func (m Manifest) clearing(replace bool) (string, error) {
	tables := []cleared{{people, !replace}}
	for _, table := range m.Tables {
		if table.Name != people {
			tables = append(tables, cleared{table.Name, !replace && table.others()})
		}
	}
	return withData(clearScript, tables)
}

// others reports a table outside auth.
func (t Table) others() bool { return !strings.HasPrefix(t.Name, "auth.") }

// mayWrite refuses a restore that would lose data. clean: objects must be dropped first.
func (m Manifest) mayWrite(ctx context.Context, target *server, replace bool) (clean bool, err error) {
	there, err := m.overwritten(ctx, target)
	if err != nil {
		return false, err
	}
	var occupied, table bool
	err = target.QueryRow(ctx, "SELECT to_regnamespace('auth') IS NOT NULL, to_regclass('auth.users') IS NOT NULL").Scan(&occupied, &table)
	if err != nil {
		return false, fmt.Errorf("look at the database: %w", err)
	}
	if table && !replace {
		if err := refusePeople(ctx, target); err != nil {
			return false, err
		}
	}
	if !replace {
		if err := refuseRows(ctx, target, there); err != nil {
			return false, err
		}
	}
	if occupied {
		err = m.refuseDependents(ctx, target)
	}
	return occupied || len(there) > 0, err
}

func (m Manifest) overwritten(ctx context.Context, target *server) ([]string, error) {
	live, err := column[string](ctx, target, tablesQuery, false)
	if err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	return slices.DeleteFunc(live, func(name string) bool {
		return !slices.ContainsFunc(m.Tables, func(t Table) bool { return t.Name == name && t.others() })
	}), nil
}

func refusePeople(ctx context.Context, target *server) error {
	var found int64
	if err := target.QueryRow(ctx, "SELECT count(*) FROM auth.users").Scan(&found); err != nil {
		return fmt.Errorf("count the people: %w", err)
	}
	if found > 0 {
		return fmt.Errorf("%w: auth.users of %s has %d people. Back it up (authd backup create), then restore with --replace",
			ErrOccupied, target.Database, found)
	}
	return nil
}

func refuseRows(ctx context.Context, target *server, tables []string) error {
	var occupied []string
	for _, name := range tables {
		var rows bool
		if err := target.QueryRow(ctx, "SELECT EXISTS (SELECT FROM ONLY "+name+")").Scan(&rows); err != nil {
			return fmt.Errorf("look whether %s has rows: %w", name, err)
		}
		if rows {
			occupied = append(occupied, name)
		}
	}
	if len(occupied) == 0 {
		return nil
	}
	return fmt.Errorf("%w: the backup is of the whole database and would write over rows that are not this service's: %s of %s. "+
		"Back them up (authd backup create --whole-database), then restore with --replace, or restore a backup of the schema auth",
		ErrOccupied, strings.Join(occupied, ", "), target.Database)
}
