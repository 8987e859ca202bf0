package schema

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Obstacle is something that adoption cannot decide for the owner. Rows are the ids of the rows at fault, at most maxRows of
// them; Count is how many there are. It stands in the way, or (in Survey.Notes) is only worth knowing.
type Obstacle struct {
	What  string
	Hint  string
	Count int
	Rows  []string
	// Groups are the rows of an obstacle that several rows make together, in the order of their values; Rows is empty then.
	Groups []Group
	// MoreGroups is how many groups are not listed.
	MoreGroups int
}

// Group is rows that share a value which may be one row's only: Count of them, Rows their first ids.
type Group struct {
	Value string
	Count int
	Rows  []string
}

// Alteration is one change of the table itself, with the statements that make it. None rewrites a row.
type Alteration struct {
	What       string
	statements []string
}

// Survey is what adoption found before it changed anything.
type Survey struct {
	People      int64
	Obstacles   []Obstacle
	Alterations []Alteration
	Pending     []string // versions of migrations
	Own         []Difference
	Notes       []Obstacle
}

// ErrNothingToAdopt says that there is no table of a legacy service.
var ErrNothingToAdopt = errors.New("there is no auth.users to adopt: `authd schema migrate` makes one")

// maxRows is how many ids an obstacle lists.
const maxRows = 1000

// maxGroups is how many groups an obstacle lists, and maxGroupRows how many ids of each.
const (
	maxGroups    = 100
	maxGroupRows = 10
)

// Look surveys a live table and changes nothing.
func Look(ctx context.Context, o Options) (Survey, error) {
	var s Survey
	conn, err := connect(ctx, o.DatabaseURL)
	if err != nil {
		return s, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return survey(ctx, conn, o)
}

// Adopt takes a live auth.users over in place, with every row kept as it is (D3): it surveys, alters what the table lacks,
// migrates, and leaves validating to the caller. While anything stands in the way it changes nothing. Others may read and write
// all the time; NULLs in old rows stay, and are read as what they have always meant.
func Adopt(ctx context.Context, o Options) (Survey, error) {
	s, err := alter(ctx, o)
	if err != nil || len(s.Obstacles) > 0 {
		return s, err
	}
	return s, Migrate(ctx, o)
}

// alter surveys under the lock of migrating and makes the alterations, unless something stands in the way.
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

// alter makes an alteration, a statement at a time, with the patience of a migration's step.
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

// exec runs a statement in a session of its own, under the worker's name, so that who blocks it can be seen.
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
	if len(applied) == 0 { // a table that migrations have been at is theirs to alter
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
