package schema

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrPooler says that the address is not PostgreSQL's own: a pooler hands sessions on, and with them the lock of migrating.
var ErrPooler = errors.New("a connection pooler answers at this address: set DATABASE_DIRECT_URL to PostgreSQL itself")

// connect reaches PostgreSQL itself, or says that it does not: behind a pooler the process that answers is not the one that the
// connection was told of. The session looks for nothing outside pg_catalog: a function or an operator that somebody has put into
// public, fitting a column's type better than the server's own, would else run as us.
func connect(ctx context.Context, databaseURL string) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return nil, fmt.Errorf("connect to the schema's database: %w", err)
	}
	var backend uint32
	err = conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&backend)
	if err == nil && backend != conn.PgConn().PID() {
		err = ErrPooler
	}
	if err == nil {
		_, err = conn.Exec(ctx, "SET search_path = pg_catalog")
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
	}
	return conn, nil
}

// workerURL is the database's address with what a step's session needs; lib/pq hands unknown parameters to the server.
func (r *runner) workerURL(ctx context.Context, databaseURL string) (*url.URL, error) {
	location, err := url.Parse(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("parse the database URL for migrating: %w", err)
	}
	withSSLMode(location, r.conn)
	query := location.Query()
	query.Set("application_name", r.worker)
	query.Set("statement_timeout", "0")
	query.Set("search_path", "pg_catalog") // nothing that others have put into public is taken for the server's own
	query.Set("connect_timeout", "10")
	// Not every platform that PostgreSQL runs on can look after its clients (only those with poll's POLLRDHUP).
	if _, err := r.conn.Exec(ctx, "SELECT set_config('client_connection_check_interval', $1, true)", milliseconds(clientCheck)); err == nil {
		query.Set("client_connection_check_interval", milliseconds(clientCheck))
	}
	location.RawQuery = query.Encode()
	return location, nil
}

// withSSLMode spells out what pgx has negotiated: dbmate's driver knows no sslmode=prefer and would insist on TLS.
func withSSLMode(location *url.URL, conn *pgx.Conn) {
	_, encrypted := conn.PgConn().Conn().(*tls.Conn)
	query := location.Query()
	query.Set("sslmode", sslMode(query.Get("sslmode"), encrypted, conn.Config().TLSConfig))
	location.RawQuery = query.Encode()
}

// sslMode is the mode that the URL asks for; where it leaves that open, the mode that pgx has found elsewhere (PGSSLMODE, a
// service file) and made this connection by: no step's session checks less of the server than the first one did.
func sslMode(asked string, encrypted bool, made *tls.Config) string {
	switch {
	case asked != "" && asked != "prefer" && asked != "allow":
		return asked
	case !encrypted:
		return "disable"
	case made == nil: // sslmode=allow, and the server insisted on TLS
		return "require"
	case !made.InsecureSkipVerify:
		return "verify-full"
	case made.VerifyPeerCertificate != nil:
		return "verify-ca"
	}
	return "require"
}

// session is one more session of this worker, for statements that are no migration's.
func (r *runner) session(ctx context.Context, patience time.Duration) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(r.location.String())
	if err != nil {
		return nil, fmt.Errorf("parse the database URL: %w", err)
	}
	config.RuntimeParams["lock_timeout"] = milliseconds(patience)
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect for a step: %w", err)
	}
	return conn, nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
