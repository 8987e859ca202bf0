package backup

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/pg"
)

const applicationName = "authd backup"

// sessionSettings fix a row's text and allow long statements.
var sessionSettings = map[string]string{
	"timezone": "UTC", "datestyle": "ISO, YMD", "intervalstyle": "postgres",
	"extra_float_digits": "1", "bytea_output": "hex", "lc_monetary": "C", "search_path": "pg_catalog", "row_security": "off",
	"statement_timeout": "0", "idle_in_transaction_session_timeout": "0", "lock_timeout": strconv.FormatInt(lockTimeout.Milliseconds(), 10),
}

type server struct {
	*pgx.Conn
	address string
	facts
}

type facts struct {
	Database, SystemIdentifier, Version string
	Major                               int
	Encoding                            string
}

// connect accepts a standby. No error shows the password.
func connect(ctx context.Context, address string) (*server, error) {
	conn, err := pg.Connect(ctx, pg.SessionOptions{
		URL: address, Name: applicationName, Settings: sessionSettings, ReadOnly: true, AnyEncoding: true,
	})
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	s := &server{Conn: conn, address: address}
	if s.facts, err = readFacts(ctx, conn); err != nil {
		s.close(ctx)
		return nil, err
	}
	return s, nil
}

// close works after ctx ended.
func (s *server) close(ctx context.Context) { _ = s.Close(context.WithoutCancel(ctx)) }

// Querier is a pool, a connection or a transaction.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func readFacts(ctx context.Context, db Querier) (facts, error) {
	var f facts
	var number int
	err := db.QueryRow(ctx, factsQuery).Scan(&f.Database, &f.SystemIdentifier, &f.Version, &number, &f.Encoding)
	if err != nil {
		return facts{}, fmt.Errorf("ask the server which it is: %w", err)
	}
	f.Major = number / 10_000
	return f, nil
}

var libpqNames = map[string]string{
	"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY", "sslcrl": "PGSSLCRL",
	"sslnegotiation": "PGSSLNEGOTIATION", "channel_binding": "PGCHANNELBINDING", "gssencmode": "PGGSSENCMODE",
	"krbsrvname": "PGKRBSRVNAME", "connect_timeout": "PGCONNECT_TIMEOUT",
}

// programEnvironment carries the password: every local user can read arguments.
func (s *server) programEnvironment(env environment) ([]string, error) {
	config := s.Config()
	out := env.list(
		"PGHOST="+config.Host, "PGPORT="+strconv.Itoa(int(config.Port)), "PGUSER="+config.User, "PGPASSWORD="+config.Password,
		"PGDATABASE="+config.Database, "PGAPPNAME="+applicationName,
	)
	location, err := url.Parse(s.address)
	if err != nil {
		return nil, fmt.Errorf("parse the database URL: it must begin with postgres://")
	}
	for name, values := range location.Query() {
		if variable, known := libpqNames[name]; known {
			out = append(out, variable+"="+values[0])
		}
	}
	return out, nil
}
