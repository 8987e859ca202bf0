package pgbouncer

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Traffic counts what passed, and current connections.
type Traffic struct {
	Transactions      int
	Queries           int
	ClientConnections int
	ServerConnections int
}

// Traffic reads SHOW STATS and SHOW POOLS.
func (p *Pooler) Traffic(t testing.TB) Traffic {
	t.Helper()
	database := strings.TrimPrefix(p.upstream.Path, "/")
	var all Traffic
	for _, row := range p.show(t, "STATS") {
		if row["database"] == database {
			all.Transactions, all.Queries = number(t, row, "total_xact_count"), number(t, row, "total_query_count")
		}
	}
	for _, row := range p.show(t, "POOLS") {
		if row["database"] != database {
			continue
		}
		all.ClientConnections += number(t, row, "cl_active") + number(t, row, "cl_waiting")
		for _, state := range []string{"sv_active", "sv_idle", "sv_used", "sv_tested", "sv_login"} {
			all.ServerConnections += number(t, row, state)
		}
	}
	return all
}

// Version returns such as "PgBouncer 1.18.0".
func (p *Pooler) Version(t testing.TB) string {
	t.Helper()
	rows := p.show(t, "VERSION")
	if len(rows) != 1 || !strings.HasPrefix(rows[0]["version"], "PgBouncer ") {
		t.Fatalf("who answers SHOW VERSION is no PgBouncer: %v", rows)
	}
	return rows[0]["version"]
}

// console speaks the simple protocol only.
func (p *Pooler) console(ctx context.Context) (*pgx.Conn, error) {
	address, err := url.Parse(p.URL())
	if err != nil {
		return nil, err
	}
	address.Path = "/pgbouncer"
	config, err := pgx.ParseConfig(address.String())
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	return pgx.ConnectConfig(ctx, config)
}

// Reconnect replaces the server connections.
func (p *Pooler) Reconnect(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := p.console(ctx)
	if err != nil {
		t.Fatalf("PgBouncer's console: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, "RECONNECT"); err != nil {
		t.Fatalf("RECONNECT: %v", err)
	}
}

func (p *Pooler) show(t testing.TB, what string) []map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // not the test's, which may have ended
	defer cancel()
	conn, err := p.console(ctx)
	if err != nil {
		t.Fatalf("PgBouncer's console: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	rows, err := conn.Query(ctx, "SHOW "+what)
	if err != nil {
		t.Fatalf("SHOW %s: %v", what, err)
	}
	found, err := pgx.CollectRows(rows, textByColumn)
	if err != nil {
		t.Fatalf("SHOW %s: %v", what, err)
	}
	return found
}

func textByColumn(row pgx.CollectableRow) (map[string]string, error) {
	out := map[string]string{}
	for i, value := range row.RawValues() {
		out[row.FieldDescriptions()[i].Name] = string(value)
	}
	return out, nil
}

func number(t testing.TB, row map[string]string, column string) int {
	t.Helper()
	n, err := strconv.Atoi(row[column])
	if err != nil {
		t.Fatalf("PgBouncer's %s is %q, expected a number", column, row[column])
	}
	return n
}
