package pg

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"auth-v2-service/internal/fault"
)

// UniqueViolation gives the name of the unique constraint or index that err ran into, or "". The name decides which conflict
// it was; the text of the message never does.
func UniqueViolation(err error) string {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == uniqueViolation {
		return pgErr.ConstraintName
	}
	return ""
}

// NoRows reports whether a query of one row found none.
func NoRows(err error) bool { return errors.Is(err, pgx.ErrNoRows) }

// Fault gives err a meaning for the way up: an outage of the database becomes dependency_unavailable, anything else stays
// what it is (a fault of ours, or a bug). Nil stays nil.
func Fault(err error) error {
	if err == nil || !Outage(err) {
		return err
	}
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	return fault.Unavailable("the database cannot be reached right now; try again in a moment", err)
}

// BadValues reports whether a statement was refused for what its values are, and would be again: by a type or a constraint, or by a
// trigger of the platform's.
func BadValues(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && len(pgErr.Code) == 5 && slices.Contains(valueClasses, pgErr.Code[:2])
}

// Blocked reports whether a statement was given up for what other transactions hold: a lock that could not be had in time (55P03), or a
// deadlock (40P01).
func Blocked(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code == "55P03" || pgErr.Code == "40P01")
}

// Lost reports whether the connection that a statement ran on has ended under it, while others may be well: its server process was
// ended (57P01), or the line broke. What reads alone may be asked again.
func Lost(err error) bool {
	var connectErr *pgconn.ConnectError
	if errors.As(err, &connectErr) {
		return false
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code == "57P01"
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// Outage reports whether err says that the database is away, full, shutting down or too slow, as opposed to having refused
// a statement for what it says.
func Outage(err error) bool {
	var connectErr *pgconn.ConnectError
	if errors.As(err, &connectErr) {
		return true // whatever the server said to turn us away, its words on a password included
	}
	var refused interface{ SQLState() string } // pgx's error, and that of the driver that takes the migrations' steps
	if errors.As(err, &refused) {
		return outageState(refused.SQLState())
	}
	var netErr net.Error
	return errors.As(err, &netErr) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrReadOnly) ||
		errors.Is(err, pgx.ErrTxClosed) || pgconn.SafeToRetry(err) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn)
}
