package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Restore writes a backup in one transaction and commits only when every table equals the manifest. Without replace it refuses
// (ErrOccupied) to overwrite users or other services' rows. It always protects external dependents that the backup lacks. After an error
// the database is unchanged, unless the error says that it was restored.
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
	clean, err := m.mayWrite(ctx, target, replace)
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
	if err := m.overwrite(ctx, o, tools, target, dump, load{clean: clean && !m.OnlyAuth, asOwners: grants}, replace); err != nil {
		return Manifest{}, err
	}
	return m, m.lookAgain(ctx, target, dump, grants)
}

// refuseDependents protects objects that the backup lacks.
func (m Manifest) refuseDependents(ctx context.Context, target *server) error {
	dependents, err := column[string](ctx, target, dependentsQuery)
	if err != nil {
		return fmt.Errorf("look who refers to the schema auth: %w", err)
	}
	dependents = slices.DeleteFunc(dependents, func(name string) bool {
		return slices.Contains(m.Dependents, name)
	})
	if len(dependents) == 0 {
		return nil
	}
	return fmt.Errorf("%w: what is outside the schema auth, refers into it and is not in the backup would be lost: %s. "+
		"Take it away and make it again afterwards, or restore into an empty database", ErrOccupied, strings.Join(dependents, ", "))
}

func (m Manifest) overwrite(ctx context.Context, o Options, tools programs, target *server, dump string, l load, replace bool) error {
	extend, err := m.preparation()
	if err != nil {
		return err
	}
	clearing, err := m.clearing(replace)
	if err != nil {
		return err
	}
	l.before = extend + clearing
	if l.after, err = m.checks(); err != nil {
		return err
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

// lookAgain compares the schema after the commit.
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
