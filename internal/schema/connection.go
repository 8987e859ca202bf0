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

// ErrPooler refuses a pooler, which hands on sessions and their locks.
var ErrPooler = pg.ErrPooler

// connect opens a session; it returns ErrPooler or pg.ErrReadOnly for an unfit server. The search path is pg_catalog: functions of other
// schemas must not run with this role's rights.
func connect(ctx context.Context, databaseURL string) (*pgx.Conn, error) {
	conn, err := pg.Connect(ctx, pg.SessionOptions{
		URL: databaseURL, Name: "authd schema", Settings: map[string]string{"search_path": "pg_catalog"},
	})
	if err != nil {
		return nil, fmt.Errorf("connect to the schema's database: %w", err)
	}
	return conn, nil
}

// workerURL returns a step's URL. lib/pq passes unknown parameters to the server.
func (r *runner) workerURL(ctx context.Context, databaseURL string) (*url.URL, error) {
	location, err := url.Parse(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("parse the database URL for migrating: %w", err)
	}
	withSSLMode(location, r.conn)
	query := location.Query()
	if strings.Contains(location.Host+query.Get("host"), ",") { // of several hosts, the one that holds the lock
		location.Host = net.JoinHostPort(r.conn.Config().Host, strconv.Itoa(int(r.conn.Config().Port)))
		query.Del("host")
		query.Del("port")
	}
	for name, value := range pg.SessionSettings() {
		query.Set(strings.ToLower(name), value)
	}
	query.Set("search_path", "pg_catalog")
	query.Set("application_name", r.worker)
	query.Set("connect_timeout", "10")
	// client_connection_check_interval depends on the platform (POLLRDHUP), transaction_timeout on the version (PostgreSQL 17).
	for name, value := range map[string]string{"client_connection_check_interval": milliseconds(clientCheck), "transaction_timeout": "0"} {
		if _, err := r.conn.Exec(ctx, "SELECT set_config($1, $2, true)", name, value); err == nil {
			query.Set(name, value)
		}
	}
	location.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20") // pgx and libpq do not decode "+"
	return location, nil
}

// withSSLMode states the negotiated mode: dbmate's driver does not know sslmode=prefer and would insist on TLS.
func withSSLMode(location *url.URL, conn *pgx.Conn) {
	_, encrypted := conn.PgConn().Conn().(*tls.Conn)
	query := location.Query()
	query.Set("sslmode", sslMode(query.Get("sslmode"), encrypted, conn.Config().TLSConfig))
	location.RawQuery = query.Encode()
}

// sslMode keeps the URL's decisive mode, else pgx's (PGSSLMODE, service file). Steps never verify less than the first connection.
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
