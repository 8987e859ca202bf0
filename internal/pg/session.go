package pg

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// ErrReadOnly reports a server that takes no writes.
var ErrReadOnly = errors.New("the database only reads: it is a standby, or its transactions are read-only")

// ErrPooler reports a pooler, which hands on sessions, locks and LISTEN.
var ErrPooler = errors.New("a connection pooler answers at this address: set DATABASE_DIRECT_URL to PostgreSQL itself")

// UnfitError names a setting that the service cannot use.
type UnfitError struct {
	Setting, Value, Wanted string
	Advice                 string
}

// Error implements error.
func (e *UnfitError) Error() string {
	return fmt.Sprintf("%s is %q and must be %q: %s", e.Setting, e.Value, e.Wanted, e.Advice)
}

// Unfit reports errors that no retry can fix.
func Unfit(err error) bool {
	var unfit *UnfitError
	return errors.As(err, &unfit) || errors.Is(err, ErrPooler)
}

type session struct {
	wanted      []setting
	readOnly    bool // allows a read-only server
	demanding   bool // refuses a pooler
	anyEncoding bool
}

// establish checks and sets a new connection, or refuses the server. Its statement qualifies functions and uses no operator: the search
// path cannot redirect it.
func (s session) establish(ctx context.Context, conn *pgconn.PgConn) error {
	now, err := s.look(ctx, conn)
	switch {
	case err != nil:
		return err
	case now.encoding != "UTF8" && !s.anyEncoding:
		return &UnfitError{"server_encoding", now.encoding, "UTF8", "create the database with ENCODING 'UTF8' and move the data there"}
	case now.recovering && !s.readOnly:
		return ErrReadOnly
	case now.pooled && s.demanding:
		return ErrPooler
	case !now.pooled:
		return s.set(ctx, conn, now.others)
	case now.readOnly && !s.readOnly:
		return ErrReadOnly
	}
	for _, other := range now.others {
		if other.tolerable != nil && !other.tolerable(now.values[other.name]) {
			return unfit(other, now.values[other.name])
		}
	}
	return nil
}

func unfit(wanted setting, value string) error {
	return &UnfitError{
		wanted.name, value, wanted.value,
		fmt.Sprintf("set it for the role (ALTER ROLE ... SET %[1]s = '%[2]s'), or take the default of the role, the database or the pooler away", wanted.name, wanted.value),
	}
}

type state struct {
	encoding             string
	recovering, readOnly bool
	pooled               bool
	values               map[string]string
	others               []setting // settings with other values
}

func (s session) look(ctx context.Context, conn *pgconn.PgConn) (state, error) {
	statement := `SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('server_encoding'), pg_catalog.pg_is_in_recovery(),
		pg_catalog.current_setting('transaction_read_only')`
	for _, wanted := range s.wanted {
		statement += ", pg_catalog.current_setting('" + wanted.name + "', true)"
	}
	results, err := conn.Exec(ctx, statement).ReadAll()
	if err != nil {
		return state{}, err
	}
	if len(results) != 1 || len(results[0].Rows) != 1 || len(results[0].Rows[0]) != 4+len(s.wanted) {
		return state{}, errors.New("the server gave no answer about its session")
	}
	row := results[0].Rows[0]
	now := state{
		pooled:   string(row[0]) != strconv.FormatUint(uint64(conn.PID()), 10),
		encoding: string(row[1]), recovering: string(row[2]) == "t", readOnly: string(row[3]) == "on", values: map[string]string{},
	}
	for i, wanted := range s.wanted {
		value := row[4+i]
		now.values[wanted.name] = string(value)
		if value != nil && !strings.EqualFold(string(value), wanted.value) { // nil: an unknown setting
			now.others = append(now.others, wanted)
		}
	}
	return now, nil
}

func (s session) set(ctx context.Context, conn *pgconn.PgConn, others []setting) error {
	for _, other := range others {
		_, err := conn.Exec(ctx, fmt.Sprintf("SELECT pg_catalog.set_config('%s', '%s', false)", other.name, other.value)).ReadAll()
		var refused *pgconn.PgError
		if errors.As(err, &refused) && refused.Code == insufficientPrivilege {
			return unfit(other, "another value, which only a superuser may change")
		}
		if err != nil {
			return fmt.Errorf("set %s: %w", other.name, err)
		}
	}
	return nil
}

func sessionOf(readOnly, demanding bool) session {
	return session{wanted: slices.Concat(tracked, direct, late), readOnly: readOnly, demanding: demanding}
}
