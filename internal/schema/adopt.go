package schema

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Obstacle blocks an adoption; in Survey.Notes it does not. Rows lists up to maxRows ids of Count.
type Obstacle struct {
	What  string
	Hint  string
	Count int
	Rows  []string
	// Groups replaces Rows for rows that share a value.
	Groups []Group
	// MoreGroups counts unlisted groups.
	MoreGroups int
}

// Group lists the first of Count rows that share a unique value.
type Group struct {
	Value string
	Count int
	Rows  []string
}

// Alteration changes the table and rewrites no row.
type Alteration struct {
	What       string
	statements []string
}

// Survey is adoption's finding before any change.
type Survey struct {
	People      int64
	Obstacles   []Obstacle
	Alterations []Alteration
	Pending     []string // versions of migrations
	Own         []Difference
	Notes       []Obstacle
}

// ErrNothingToAdopt reports a missing legacy table.
var ErrNothingToAdopt = errors.New("there is no auth.users to adopt: `authd schema migrate` makes one")

const maxRows = 1000

const (
	maxGroups    = 100
	maxGroupRows = 10
)

// Look surveys a live table without changing it.
func Look(ctx context.Context, o Options) (Survey, error) {
	var s Survey
	conn, err := connect(ctx, o.DatabaseURL)
	if err != nil {
		return s, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return survey(ctx, conn, o)
}

// Adopt takes a live auth.users over and keeps every row (D3), NULLs included. It surveys, alters and migrates; the caller validates. An
// obstacle prevents every change. Readers and writers go on.
func Adopt(ctx context.Context, o Options) (Survey, error) {
	s, err := alter(ctx, o)
	if err != nil || len(s.Obstacles) > 0 {
		return s, err
	}
	return s, Migrate(ctx, o)
}

func alter(ctx context.Context, o Options) (s Survey, err error) {
	err = withRunner(ctx, o, func(r *runner) error {
		if s, err = survey(ctx, r.conn, o); err != nil || len(s.Obstacles) > 0 {
			return err
		}
		for _, alteration := range s.Alterations {
			if err := r.alter(ctx, alteration); err != nil {
				return fmt.Errorf("%s: %w", alteration.What, err)
			}
			o.Logger.InfoContext(ctx, "altered", "what", alteration.What)
		}
		return nil
	})
	return s, err
}

func (r *runner) alter(ctx context.Context, alteration Alteration) error {
	for _, statement := range alteration.statements {
		concurrent := concurrently.MatchString(statement)
		err := r.retryLocks(ctx, !concurrent, func(patience time.Duration) error {
			if err := r.dropInvalid(ctx, statement); err != nil {
				return err
			}
			return r.exec(ctx, statement, patience)
		})
		if err := r.leaveNoHalf(ctx, statement, err); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) exec(ctx context.Context, statement string, patience time.Duration) error {
	conn, err := r.session(ctx, patience)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, statement)
	return err
}

func survey(ctx context.Context, conn *pgx.Conn, o Options) (Survey, error) {
	var s Survey
	found, err := Read(ctx, conn)
	if err != nil {
		return s, err
	}
	table := newLegacyTable(found)
	if !table.there() {
		return s, ErrNothingToAdopt
	}
	applied, err := appliedVersions(ctx, conn)
	if err != nil {
		return s, err
	}
	s.Pending = without(versions(), applied)
	if len(applied) == 0 { // migrations alter a migrated table
		s.Obstacles, s.Alterations = table.plan()
		s.Obstacles = append(s.Obstacles, inTheWay(found)...)
	}
	for _, d := range Compare(Expected(), found) {
		if d.Change == Extra {
			s.Own = append(s.Own, d)
		}
	}
	rows, notes, err := checkRows(ctx, conn, table, cmp.Or(o.MaxHashCost, defaultMaxHashCost))
	if err != nil {
		return s, err
	}
	s.Obstacles, s.Notes = append(s.Obstacles, rows...), notes
	s.People, err = people(ctx, conn)
	return s, err
}

func people(ctx context.Context, conn *pgx.Conn) (count int64, err error) {
	err = conn.QueryRow(ctx, "SELECT count(*) FROM auth.users").Scan(&count)
	if err != nil {
		return 0, fmt.Errorf("count the people: %w", err)
	}
	return count, nil
}
