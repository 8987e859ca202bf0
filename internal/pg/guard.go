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

// recheck is how old the last look at a pooler's server may be: the pooler may have gone over to another one, and the connection to
// the pooler does not show it.
const recheck = time.Second

// guard keeps a pool on servers that take writes. A new connection to any other server is refused. A connection may still lead to a
// standby later, for a pooler may go over to another server: once one connection shows it, the pool closes all.
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

// watch sets the hooks of a pool.
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
		config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false } // prepare asks more than a ping
	}
}

// looked is where a connection keeps the time of the last look at its server.
const looked = "auth-v2-service/internal/pg.looked"

func (g *guard) establish(ctx context.Context, conn *pgconn.PgConn) error {
	err := g.session.establish(ctx, conn)
	conn.CustomData()[looked] = time.Now()
	return err
}

// prepare looks at a connection before it is used. A server that reports in_hot_standby (PostgreSQL 14 and later, and a pooler that
// follows it) is known without a statement; behind a pooler the server is asked now and then.
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
		return false, nil // the connection is lost: another one may be had
	}
}

// reset closes every connection: those in use when they are given back.
func (g *guard) reset() {
	if pool := g.pool.Load(); pool != nil {
		pool.Reset()
		g.onReadOnly()
	}
}
