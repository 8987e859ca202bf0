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

// ErrReadOnly says that the server takes no writes: it is a standby, or a primary that has become one. Its rows may be old.
var ErrReadOnly = errors.New("the database only reads: it is a standby, or its transactions are read-only")

// ErrPooler says that the address is not PostgreSQL's own. A pooler hands sessions on, and with them locks and LISTEN.
var ErrPooler = errors.New("a connection pooler answers at this address: set DATABASE_DIRECT_URL to PostgreSQL itself")

// UnfitError says that a setting of the server is one that this service does not work with, and that waiting does not change it.
type UnfitError struct {
	Setting, Value, Wanted string
	Advice                 string
}

// Error implements error.
func (e *UnfitError) Error() string {
	return fmt.Sprintf("%s is %q and must be %q: %s", e.Setting, e.Value, e.Wanted, e.Advice)
}

// Unfit reports whether err says that the server or its settings do not fit, so that trying again is of no use.
func Unfit(err error) bool {
	var unfit *UnfitError
	return errors.As(err, &unfit) || errors.Is(err, ErrPooler)
}

// session is what a new connection must be before it is used.
type session struct {
	wanted      []setting
	readOnly    bool // a server that only reads does as well
	demanding   bool // PostgreSQL itself must answer, and no pooler
	anyEncoding bool
}

// establish looks at a new connection, sets what its startup message could not, and refuses a server that does not fit. Its statement
// names no operator and every function's schema: nothing that the search path finds can take part.
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

// state is what a server says of a session.
type state struct {
	encoding             string
	recovering, readOnly bool
	pooled               bool
	values               map[string]string
	others               []setting // those that are not what they are wanted to be
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
		if value != nil && !strings.EqualFold(string(value), wanted.value) { // nil: this server has no such setting
			now.others = append(now.others, wanted)
		}
	}
	return now, nil
}

// set sets for the session what its startup message did not.
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

// sessionOf is what a connection of the service must be.
func sessionOf(readOnly, demanding bool) session {
	return session{wanted: slices.Concat(tracked, direct, late), readOnly: readOnly, demanding: demanding}
}
