package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// dropAuth takes the whole schema away, also what a later migration has added. It waits for its locks a moment only.
const dropAuth = "SET LOCAL lock_timeout = '10s';\nDROP SCHEMA IF EXISTS auth CASCADE;\n"

// Restore writes a backup into the database of o.URL, in one transaction that is committed only when every table in it is equal
// to the manifest. Where auth.users has people it refuses (ErrOccupied) unless replace is set; so it does where tables outside the
// schema refer into it and are not in the backup. An error means that the database is as it was, except a *Mismatch that says
// otherwise.
func Restore(ctx context.Context, o Options, dump string, replace bool) (Manifest, error) {
	m, err := ReadManifest(dump)
	if err != nil {
		return Manifest{}, err
	}
	if err := m.checkDump(dump); err != nil {
		return Manifest{}, err
	}
	target, err := connect(ctx, o.URL)
	if err != nil {
		return Manifest{}, err
	}
	defer target.close(ctx)
	occupied, err := m.mayWrite(ctx, target, replace)
	if err != nil {
		return Manifest{}, err
	}
	tools, err := findPrograms(ctx, o.Environment, max(target.Major, m.DumpMajor))
	if err != nil {
		return Manifest{}, err
	}
	grants, err := m.sameRoles(ctx, o, target)
	if err != nil {
		return Manifest{}, err
	}
	if !grants {
		o.Logger.WarnContext(ctx, "owners and grants are not restored: all will belong to this role", "role", target.Config().User)
	}
	if err := m.replace(ctx, o, tools, target, dump, occupied, grants); err != nil {
		return Manifest{}, err
	}
	return m, m.lookAgain(ctx, target, dump, grants)
}

// mayWrite refuses what would be lost for ever, and says whether a schema auth is there.
func (m Manifest) mayWrite(ctx context.Context, target *server, replace bool) (occupied bool, err error) {
	var table bool
	err = target.QueryRow(ctx, "SELECT to_regnamespace('auth') IS NOT NULL, to_regclass('auth.users') IS NOT NULL").Scan(&occupied, &table)
	if err != nil {
		return false, fmt.Errorf("look at the database: %w", err)
	}
	var people int64
	if table {
		if err := target.QueryRow(ctx, "SELECT count(*) FROM auth.users").Scan(&people); err != nil {
			return false, fmt.Errorf("count the people: %w", err)
		}
	}
	if people > 0 && !replace {
		return false, fmt.Errorf("%w: auth.users of %s has %d people. Back it up (authd backup create), then restore with --replace",
			ErrOccupied, target.Database, people)
	}
	dependents, err := column[string](ctx, target, dependentsQuery)
	if err != nil {
		return false, fmt.Errorf("look who refers to the schema auth: %w", err)
	}
	dependents = slices.DeleteFunc(dependents, func(name string) bool {
		return slices.ContainsFunc(m.Tables, func(t Table) bool { return t.Name == name })
	})
	if len(dependents) > 0 {
		return false, fmt.Errorf("%w: %s outside the schema auth refer into it and are not in the backup, and would lose that (foreign keys, views). "+
			"Take those references away and make them again afterwards, or restore into an empty database", ErrOccupied, strings.Join(dependents, ", "))
	}
	return occupied, nil
}

func (m Manifest) replace(ctx context.Context, o Options, tools programs, target *server, dump string, occupied, grants bool) error {
	checks, err := m.checks()
	if err != nil {
		return err
	}
	l := load{before: m.preparation(), after: checks, asOwners: grants}
	if occupied {
		l.before += dropAuth
		l.clean = !m.OnlyAuth
	}
	err = l.run(ctx, o, tools, target, dump)
	var refused refusedError
	if errors.As(err, &refused) {
		return fmt.Errorf("%w: %w", ErrOccupied, refused.error)
	}
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}

// lookAgain compares the schema after the commit. The rows were compared before it, when nobody could write yet.
func (m Manifest) lookAgain(ctx context.Context, target *server, dump string, grants bool) error {
	var found census
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, target, options, func(tx pgx.Tx) error { return found.fingerprints(ctx, tx) })
	if err != nil {
		return fmt.Errorf("the backup was restored and its rows are right, but the schema could not be looked at: %w", err)
	}
	found.tables, found.migrations = m.Tables, m.Migrations
	if reasons := m.differences(found, grants, target.Major == m.ServerMajor); len(reasons) > 0 {
		return &Mismatch{File: dump, Reasons: append(reasons, "it was restored all the same, with all its rows: run `authd schema validate`")}
	}
	return nil
}
