package schema

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// State summarizes a schema.
type State string

// The states; the worst wins. Ahead means that a newer release has migrated: this binary may serve (D2).
const (
	InStep  State = "in_step"
	Extras  State = "extras"
	Ahead   State = "ahead"
	Pending State = "pending"
	Drifted State = "drifted"
)

// Report compares a database with this binary.
type Report struct {
	State               State        `json:"state"`
	Applied             []string     `json:"applied"`
	Pending             []string     `json:"pending"`
	Newer               []string     `json:"newer"`
	Fingerprint         string       `json:"fingerprint"`
	ExpectedFingerprint string       `json:"expected_fingerprint"`
	Differences         []Difference `json:"differences"`
}

// Source is a pool or a connection.
type Source interface {
	Beginner
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Validate compares the live schema. It needs USAGE on the schema and SELECT on Table.
func Validate(ctx context.Context, db Source) (Report, error) {
	applied, err := appliedVersions(ctx, db)
	if err != nil {
		return Report{}, err
	}
	found, err := Read(ctx, db)
	if err != nil {
		return Report{}, err
	}
	r := Report{
		Applied: applied, Pending: without(versions(), applied), Newer: without(applied, versions()),
		Fingerprint: found.Fingerprint(), ExpectedFingerprint: Expected().Fingerprint(), Differences: Compare(Expected(), found),
	}
	r.State = r.state()
	return r, nil
}

func (r Report) state() State {
	switch {
	case len(r.Pending) > 0:
		return Pending
	case len(r.blocking()) > 0:
		return Drifted
	case len(r.Newer) > 0:
		return Ahead
	case len(r.Differences) > 0:
		return Extras
	}
	return InStep
}

// IsPending reports a pending migration file.
func (r Report) IsPending(file string) bool { return slices.Contains(r.Pending, Version(file)) }

// Serves reports whether the service may run.
func (r Report) Serves() bool { return r.State != Pending && r.State != Drifted }

// Summary returns a sentence with the next action.
func (r Report) Summary() string {
	switch r.State {
	case Pending:
		return fmt.Sprintf("%d migrations are pending (%s): run `authd schema migrate`", len(r.Pending), strings.Join(r.Pending, ", "))
	case Drifted:
		blocking := r.blocking()
		return fmt.Sprintf("the schema differs from the migrations in %d objects, first: %s; `authd schema validate` names them all",
			len(blocking), blocking[0])
	case Ahead:
		return fmt.Sprintf("the schema is ahead of this binary by %d migrations (%s), which it may serve on",
			len(r.Newer), strings.Join(r.Newer, ", "))
	case Extras:
		return fmt.Sprintf("the schema is what the migrations produce, with %d objects more", len(r.Differences))
	case InStep:
	}
	return "the schema is exactly what the migrations produce"
}

// blocking returns the differences that stop a start. A newer release may change shared objects; it removes what this release needs only a
// release later.
func (r Report) blocking() []Difference {
	var out []Difference
	for _, d := range r.Differences {
		if d.Change == Missing || (d.Change == Different && len(r.Newer) == 0) {
			out = append(out, d)
		}
	}
	return out
}

// SQLSTATEs of a database that was never migrated
const (
	undefinedTable    = "42P01"
	invalidSchemaName = "3F000"
)

const insufficientPrivilege = "42501"

// Forbidden reports a missing privilege.
func Forbidden(err error) bool { return sqlState(err) == insufficientPrivilege }

// appliedVersions returns none without dbmate's table.
func appliedVersions(ctx context.Context, db Source) ([]string, error) {
	rows, err := db.Query(ctx, "SELECT version FROM auth.schema_migrations ORDER BY version")
	var applied []string
	if err == nil {
		applied, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if state := sqlState(err); state == undefinedTable || state == invalidSchemaName {
		return []string{}, nil
	}
	if err != nil {
		return nil, unread(err)
	}
	return applied, nil
}

// unread explains a failure: migrations grant the serving role this read.
func unread(err error) error {
	if Forbidden(err) {
		return fmt.Errorf("read the applied migrations (this login may not: run `authd schema migrate` as the owner first): %w", err)
	}
	return fmt.Errorf("read the applied migrations: %w", err)
}

func without(all, taken []string) []string {
	out := []string{}
	for _, version := range all {
		if !slices.Contains(taken, version) {
			out = append(out, version)
		}
	}
	return out
}
