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

// UniqueViolation returns the violated constraint's or index's name, or "".
func UniqueViolation(err error) string {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == uniqueViolation {
		return pgErr.ConstraintName
	}
	return ""
}

// NoRows reports an empty one-row query.
func NoRows(err error) bool { return errors.Is(err, pgx.ErrNoRows) }

// Fault turns an outage into dependency_unavailable and returns other errors unchanged.
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

// BadValues reports whether a type, constraint or trigger refused the values.
func BadValues(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && len(pgErr.Code) == 5 && slices.Contains(valueClasses, pgErr.Code[:2])
}

// Blocked reports a lock timeout (55P03) or a deadlock (40P01).
func Blocked(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code == "55P03" || pgErr.Code == "40P01")
}

// Lost reports whether the connection ended under its statement. A read can be repeated.
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

// Outage reports an unreachable, full, stopping or slow database, not a refused statement.
func Outage(err error) bool {
	var connectErr *pgconn.ConnectError
	if errors.As(err, &connectErr) {
		return true // even a refused password
	}
	var refused interface{ SQLState() string } // pgx and dbmate's driver
	if errors.As(err, &refused) {
		return outageState(refused.SQLState())
	}
	var netErr net.Error
	return errors.As(err, &netErr) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrReadOnly) ||
		errors.Is(err, pgx.ErrTxClosed) || pgconn.SafeToRetry(err) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn)
}
