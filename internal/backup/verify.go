package backup

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Verify compares a scratch restore with the manifest and records the time there. It runs no other roles' code. A *Mismatch lists the
// differences.
func Verify(ctx context.Context, o Options, dump string) (Manifest, error) {
	m, err := ReadManifest(dump)
	if err != nil {
		return Manifest{}, err
	}
	if err := m.checkDump(dump); err != nil {
		return Manifest{}, err
	}
	host, err := connect(ctx, o.verifyURL())
	if err != nil {
		return Manifest{}, err
	}
	defer host.close(ctx)
	if host.Major != m.ServerMajor {
		return Manifest{}, fmt.Errorf("the backup is of PostgreSQL %d, and the server to verify it on is %d: name one of %d in BACKUP_VERIFY_URL",
			m.ServerMajor, host.Major, m.ServerMajor)
	}
	if err := m.refuseStrangers(ctx, o, host); err != nil {
		return Manifest{}, err
	}
	tools, err := findPrograms(ctx, o.Environment, max(host.Major, m.DumpMajor))
	if err != nil {
		return Manifest{}, err
	}
	err = inScratch(ctx, o, host, m.Encoding, func(scratch *server) error {
		m.GrantsVerified, err = m.prove(ctx, o, tools, scratch, dump)
		return err
	})
	if err != nil {
		return Manifest{}, err
	}
	now := o.now()
	m.VerifiedAt = &now
	return m, m.write(dump)
}

// prove restores grants where this role may act for every owner.
func (m Manifest) prove(ctx context.Context, o Options, tools programs, scratch *server, dump string) (grants bool, err error) {
	if grants, err = m.sameRoles(ctx, o, scratch); err != nil {
		return false, err
	}
	before, err := m.preparation()
	if err != nil {
		return false, err
	}
	err = load{before: before, asOwners: grants}.run(ctx, o, tools, scratch, dump)
	var refused refusedError
	if errors.As(err, &refused) {
		return false, mismatch(dump, "it cannot be restored: %v", refused.error)
	}
	if err != nil {
		return false, fmt.Errorf("restore into a scratch database: %w", err)
	}
	var found census
	err = scratch.atOneInstant(ctx, m.OnlyAuth, func(tx pgx.Tx) error {
		found, err = count(ctx, tx, m.OnlyAuth)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look at the scratch database: %w", err)
	}
	if reasons := m.differences(found, grants, true); len(reasons) > 0 {
		return false, &Mismatch{File: dump, Reasons: reasons}
	}
	return grants, m.rehearseChecks(ctx, scratch, dump)
}

// rehearseChecks runs a restore's checks, which a verified backup must pass.
func (m Manifest) rehearseChecks(ctx context.Context, scratch *server, dump string) error {
	checks, err := m.checks()
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, scratch, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, checks)
		return err
	})
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return mismatch(dump, "a restore would be refused: %s", refused.Message)
	}
	return err
}

// sameRoles reports whether grants can be restored: on the original server, by a role that may act for every owner.
func (m Manifest) sameRoles(ctx context.Context, o Options, there *server) (bool, error) {
	if there.SystemIdentifier != m.SystemIdentifier {
		return false, nil
	}
	address, err := otherDatabase(there.address, m.Database)
	if err != nil {
		return false, err
	}
	original, err := connect(ctx, address)
	if err != nil {
		o.Logger.InfoContext(ctx, "owners and grants are left out: the original database cannot be asked for its owners", "database", m.Database)
		return false, nil // a backup outlives its database
	}
	defer original.close(ctx)
	if original.Database != m.Database {
		return false, fmt.Errorf("the address of the database %s leads to the database %s", m.Database, original.Database)
	}
	others, err := column[string](ctx, original, foreignOwnersQuery, m.OnlyAuth)
	if err != nil {
		return false, fmt.Errorf("list the owners: %w", err)
	}
	return len(others) == 0, nil
}
