package pg

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// recheck limits a check's age: a pooler may change servers unseen.
const recheck = time.Second

// guard keeps a pool on servers that take writes. One read-only answer makes it close all connections.
type guard struct {
	session    session
	pooled     bool
	onReadOnly func()
	pool       atomic.Pointer[pgxpool.Pool]
}

func newGuard(o Options) *guard {
	g := &guard{session: sessionOf(false, false), pooled: o.Pooled, onReadOnly: o.OnReadOnly}
	if g.onReadOnly == nil {
		g.onReadOnly = func() {}
	}
	return g
}

func (g *guard) watch(config *pgxpool.Config) {
	config.ConnConfig.ValidateConnect = g.establish
	keep := config.ConnConfig.OnPgError
	config.ConnConfig.OnPgError = func(conn *pgconn.PgConn, err *pgconn.PgError) bool {
		if readOnlyState(err.Code) {
			g.reset()
			return false
		}
		return keep == nil || keep(conn, err)
	}
	config.PrepareConn = g.prepare
	if g.pooled {
		config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	}
}

const looked = "auth-v2-service/internal/pg.looked"

func (g *guard) establish(ctx context.Context, conn *pgconn.PgConn) error {
	err := g.session.establish(ctx, conn)
	conn.CustomData()[looked] = time.Now()
	return err
}

// prepare checks a connection before use. PostgreSQL 14 and later report in_hot_standby without a statement.
func (g *guard) prepare(ctx context.Context, conn *pgx.Conn) (usable bool, err error) {
	server := conn.PgConn()
	if server.ParameterStatus("in_hot_standby") == "on" {
		g.reset()
		return false, nil
	}
	at, _ := server.CustomData()[looked].(time.Time)
	if !g.pooled || time.Since(at) < recheck {
		return true, nil
	}
	switch err := g.establish(ctx, server); {
	case err == nil:
		return true, nil
	case errors.Is(err, ErrReadOnly):
		g.reset()
		return false, err
	case Unfit(err), ctx.Err() != nil:
		return false, err
	default:
		return false, nil
	}
}

// reset also closes connections in use, on release.
func (g *guard) reset() {
	if pool := g.pool.Load(); pool != nil {
		pool.Reset()
		g.onReadOnly()
	}
}
