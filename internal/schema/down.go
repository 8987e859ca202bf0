package schema

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/amacneil/dbmate/v2/pkg/dbmate"
	"github.com/jackc/pgx/v5"
)

// ErrWouldLose refuses a step down that would lose data. Nothing was changed.
var ErrWouldLose = errors.New("it would lose data")

var errLooked = errors.New("only looked")

const whatToDo = "Nothing was changed. Let the step's down put it into " + archive +
	" (docs/ops/rollback-procedures.md), or clear it on purpose, and roll back again"

// mayDrop declares intended losses: "-- may drop: auth.river_leader auth.river_queue". keeps declares what a down outside a transaction
// archives.
var (
	mayDrop = regexp.MustCompile(`(?m)^-- may drop: (.+)$`)
	keeps   = regexp.MustCompile(`(?m)^-- keeps: (.+)$`)
)

func declared(line *regexp.Regexp, down string) []string {
	var names []string
	for _, found := range line.FindAllStringSubmatch(down, -1) {
		names = append(names, strings.Fields(found[1])...)
	}
	return names
}

// down takes a step back. In a transaction it first tries the step to see its losses. Lost data must be archived, or the step is refused. A
// step outside a transaction cannot be undone: it must be harmless or declare what it keeps.
func (r *runner) down(ctx context.Context, file dbmate.Migration) error {
	section, err := sectionOf(file)
	if err != nil {
		return err
	}
	inTransaction := section.DownOptions.Transaction()
	if !inTransaction {
		if err := harmlessOutside(section.Down); err != nil {
			return err
		}
	}
	return r.retryLocks(ctx, inTransaction, func(patience time.Duration) error {
		if !inTransaction {
			return r.mate(file, patience).Rollback()
		}
		conn, err := r.session(ctx, patience)
		if err != nil {
			return err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			return stepDown{tx, section.Down, file.Version}.take(ctx)
		})
	})
}

type stepDown struct {
	tx      pgx.Tx
	sql     string
	version string
}

func (s stepDown) take(ctx context.Context) error {
	before, err := readStored(ctx, s.tx)
	if err != nil {
		return err
	}
	lost, err := s.look(ctx, before)
	if err != nil {
		return err
	}
	open, err := s.measure(ctx, lost)
	if err != nil {
		return err
	}
	rows, err := readWritten(ctx, s.tx, before)
	if err != nil {
		return err
	}
	earlier, err := readArchived(ctx, s.tx, before)
	if err != nil {
		return err
	}
	if err := s.run(ctx, s.tx); err != nil {
		return err
	}
	after, err := readStored(ctx, s.tx)
	if err != nil {
		return err
	}
	there := slices.ContainsFunc(after, func(p stored) bool { return p.Table == archive })
	var words []string
	for _, m := range open {
		word, err := m.judge(ctx, s.tx, there)
		if err != nil {
			return err
		}
		words = append(words, word...)
	}
	emptied, err := rows.judge(ctx, s.tx, after, there, declared(mayDrop, s.sql))
	if err != nil {
		return err
	}
	forgotten, err := earlier.judge(ctx, s.tx, after)
	if err != nil {
		return err
	}
	if words = append(append(words, emptied...), forgotten...); len(words) > 0 {
		return fmt.Errorf("%w: %s. %s", ErrWouldLose, strings.Join(words, "; "), whatToDo)
	}
	_, err = s.tx.Exec(ctx, "DELETE FROM "+Table+" WHERE version = $1", s.version)
	return err
}

// look undoes the step after it saw the losses.
func (s stepDown) look(ctx context.Context, before []stored) (lost []loss, err error) {
	err = pgx.BeginFunc(ctx, s.tx, func(inner pgx.Tx) error {
		if err := s.run(ctx, inner); err != nil {
			return err
		}
		after, err := readStored(ctx, inner)
		if err != nil {
			return err
		}
		lost = losses(before, after)
		return errLooked
	})
	if !errors.Is(err, errLooked) {
		return nil, err
	}
	return lost, nil
}

func (s stepDown) run(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, s.sql, pgx.QueryExecModeSimpleProtocol)
	return err
}

type measured struct {
	loss
	count  int64
	digest string
}

// measure locks each loss against writers and counts its values. It skips empty and declared losses.
func (s stepDown) measure(ctx context.Context, lost []loss) ([]measured, error) {
	allowed := declared(mayDrop, s.sql)
	var open []measured
	for _, l := range lost {
		if slices.Contains(allowed, l.String()) || slices.Contains(allowed, l.Table) {
			continue
		}
		if !l.Sequence {
			if _, err := s.tx.Exec(ctx, "LOCK TABLE "+l.Table+" IN ACCESS EXCLUSIVE MODE"); err != nil {
				return nil, err
			}
		}
		m := measured{loss: l}
		var err error
		if m.count, err = l.held(ctx, s.tx); err != nil {
			return nil, err
		}
		if m.count == 0 {
			continue
		}
		if l.retyped {
			if m.digest, err = l.digest(ctx, s.tx); err != nil {
				return nil, err
			}
		}
		open = append(open, m)
	}
	return open, nil
}

// judge describes what the archive does not hold.
func (m measured) judge(ctx context.Context, tx pgx.Tx, archived bool) ([]string, error) {
	var kept int64
	var err error
	if archived {
		if kept, err = m.kept(ctx, tx); err != nil {
			return nil, err
		}
	}
	switch {
	case kept >= m.count:
		return nil, nil
	case m.retyped:
		now, err := m.loss.digest(ctx, tx)
		if err != nil || now == m.digest {
			return nil, err
		}
		return []string{fmt.Sprintf("%s holds %d values, some of which read otherwise in the type that it gets", m, m.count)}, nil
	case m.Sequence:
		return []string{fmt.Sprintf("the sequence %s has been used, and where it stands is not kept", m)}, nil
	case m.whole:
		return []string{fmt.Sprintf("the table %s holds %d rows, of which the archive gets %d", m, m.count, kept)}, nil
	}
	return []string{fmt.Sprintf("the column %s holds %d values, of which the archive gets %d", m, m.count, kept)}, nil
}

var (
	comments = regexp.MustCompile(`(?m)--.*$`)
	harmless = regexp.MustCompile(`(?i)^\s*(DROP\s+INDEX|CREATE\s+(UNIQUE\s+)?INDEX|REINDEX|VACUUM|ANALYZE|SELECT\s+1\s*$|ALTER\s+INDEX)`)
)

func harmlessOutside(down string) error {
	if len(declared(keeps, down)) > 0 {
		return nil
	}
	for statement := range strings.SplitSeq(comments.ReplaceAllString(down, ""), ";") {
		if strings.TrimSpace(statement) != "" && !harmless.MatchString(statement) {
			return fmt.Errorf("%w: its down runs outside a transaction (transaction:false), where nothing can be undone, and does not declare what it keeps. "+
				"Nothing was changed. Take transaction:false away, so that what the step drops is looked at; or archive it, and say so in a line -- keeps: auth.users.COLUMN", ErrWouldLose)
		}
	}
	return nil
}
