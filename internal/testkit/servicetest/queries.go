package servicetest

import (
	"context"
	"regexp"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"
)

var nameOf = regexp.MustCompile(`^-- name: (\w+)`)

// offPath: no request waits for these statements.
var offPath = []string{"TouchLastLogin", "SaveVerificationKeys"}

// Queries records statements.
type Queries struct {
	lock  sync.Mutex
	names []string
}

// TraceQueryStart implements pgx.QueryTracer.
func (q *Queries) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	name := data.SQL
	if match := nameOf.FindStringSubmatch(data.SQL); match != nil {
		name = match[1]
	}
	q.lock.Lock()
	defer q.lock.Unlock()
	if !slices.Contains(offPath, name) {
		q.names = append(q.names, name)
	}
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (q *Queries) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// During returns the statements of f. No other request may run meanwhile.
func (q *Queries) During(f func()) []string {
	q.lock.Lock()
	q.names = nil
	q.lock.Unlock()
	f()
	q.lock.Lock()
	defer q.lock.Unlock()
	return slices.Clone(q.names)
}
