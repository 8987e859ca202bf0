package pg_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/testkit/pgtest"
)

func TestOutage_RefusedConnections(t *testing.T) {
	t.Parallel()
	for what, bend := range map[string]func(u *url.URL){
		"no such database": func(u *url.URL) { u.Path = "/not_there" },
		"a wrong password": func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), "wrong") },
		"nobody listens":   func(u *url.URL) { u.Host = "127.0.0.1:1" },
	} {
		u, err := url.Parse(pgtest.New(t))
		if err != nil {
			t.Fatal(err)
		}
		bend(u)
		if _, err := pgx.Connect(t.Context(), u.String()); err == nil || !pg.Outage(err) {
			t.Errorf("%s: %v is no outage, expected it to be one", what, err)
		}
	}
}

func TestOutage_ByState(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{
		"08000": true, "08001": true, "08003": true, "08004": true, "08006": true, "08007": true, "08P01": true,
		"25001": true, "25006": true, "25P03": true, "25P04": true, "25000": false, "25002": false, "25007": false, "25P01": false, "25P02": false,
		"28000": true, "28P01": true,
		"40000": true, "40001": true, "40003": true, "40P01": true, "40002": false,
		"53000": true, "53100": true, "53200": true, "53300": true, "53400": true,
		"54000": true, "54001": false, "54011": false, "54023": false,
		"55000": true, "55006": true, "55P03": true, "55P02": false, "55P04": false,
		"57000": true, "57014": true, "57P01": true, "57P02": true, "57P03": true, "57P04": true, "57P05": true,
		"58000": true, "58030": true, "58P01": true, "58P02": true, "58P03": true, "72000": true, "F0000": true, "F0001": true,
		"0A000": false, "21000": false, "22021": false, "22P05": false, "23505": false, "26000": false, "2F002": false, "3D000": false,
		"42501": false, "42P01": false, "42P05": false, "44000": false, "P0001": false, "XX000": false, "XX001": false, "XX002": false,
		"": false, "5": false, "57": false,
	} {
		for _, err := range []error{&pgconn.PgError{Code: code}, &pq.Error{Code: pqerror.Code(code)}} {
			if got := pg.Outage(fmt.Errorf("a query: %w", err)); got != want {
				t.Errorf("SQLSTATE %q of %T: outage is %t, expected %t", code, err, got, want)
			}
		}
	}
	for err, want := range map[error]bool{
		context.DeadlineExceeded: true, io.ErrUnexpectedEOF: true, driver.ErrBadConn: true, pgx.ErrTxClosed: true, errors.New("a bug"): false, pgx.ErrNoRows: false,
	} {
		if got := pg.Outage(err); got != want {
			t.Errorf("%v: outage is %t, expected %t", err, got, want)
		}
	}
}

func TestBadValues_ByState(t *testing.T) {
	t.Parallel()
	for code, want := range map[string][2]bool{
		"22021": {true, false}, "22P05": {true, false}, "23505": {true, false}, "23514": {true, false},
		"55P03": {false, true}, "40P01": {false, true},
		"08006": {}, "57014": {}, "40001": {}, "42P01": {}, "": {},
	} {
		err := fmt.Errorf("a query: %w", &pgconn.PgError{Code: code})
		if got := [2]bool{pg.BadValues(err), pg.Blocked(err)}; got != want {
			t.Errorf("SQLSTATE %q: bad values, blocked: %t, expected %t", code, got, want)
		}
	}
	if pg.BadValues(context.DeadlineExceeded) || pg.Blocked(context.DeadlineExceeded) || pg.BadValues(nil) || pg.Blocked(nil) {
		t.Error("what PostgreSQL did not say is to blame on nobody")
	}
}
