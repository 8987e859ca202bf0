package schema

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/pg"
)

// ErrPooler says that the address is not PostgreSQL's own: a pooler hands sessions on, and with them the lock of migrating.
var ErrPooler = pg.ErrPooler

// connect reaches a PostgreSQL that takes writes, or says why it does not (ErrPooler, pg.ErrReadOnly). The session looks for nothing
// outside pg_catalog: a function or an operator of another schema, fitting a column's type better than the server's own, would else run
// with this role's rights.
func connect(ctx context.Context, databaseURL string) (*pgx.Conn, error) {
	conn, err := pg.Connect(ctx, pg.SessionOptions{
		URL: databaseURL, Name: "authd schema", Settings: map[string]string{"search_path": "pg_catalog"},
	})
	if err != nil {
		return nil, fmt.Errorf("connect to the schema's database: %w", err)
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
	if strings.Contains(location.Host+query.Get("host"), ",") { // of several hosts, the one on which the lock of migrating is held
		location.Host = net.JoinHostPort(r.conn.Config().Host, strconv.Itoa(int(r.conn.Config().Port)))
		query.Del("host")
		query.Del("port")
	}
	for name, value := range pg.SessionSettings() {
		query.Set(strings.ToLower(name), value)
	}
	query.Set("search_path", "pg_catalog") // as on the connection that looks on
	query.Set("application_name", r.worker)
	query.Set("connect_timeout", "10")
	// Not every platform that PostgreSQL runs on can look after its clients (only those with poll's POLLRDHUP).
	// PostgreSQL 17 was the first to know transaction_timeout.
	for name, value := range map[string]string{"client_connection_check_interval": milliseconds(clientCheck), "transaction_timeout": "0"} {
		if _, err := r.conn.Exec(ctx, "SELECT set_config($1, $2, true)", name, value); err == nil {
			query.Set(name, value)
		}
	}
	location.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20") // pgx, as libpq, takes "+" for what it is
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
