package principal

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/sleep"
	"auth-v2-service/internal/telemetry"
)

// How soon a connection that hangs is noticed: nothing was heard for listenQuiet, and a question was not answered for
// listenAnswer. A server that is away is looked for at growing distances.
const (
	listenQuiet   = time.Second
	listenAnswer  = time.Second
	listenConnect = 2 * time.Second
	listenSoonest = 100 * time.Millisecond
	listenLatest  = 2 * time.Second
)

// ListenerOptions say where a Listener listens. URL, Cache and Logger are required.
type ListenerOptions struct {
	// URL is PostgreSQL's own: a transaction pooler hands on what was asked for and tells nobody of what comes (D6).
	URL   string
	Cache *Cache
	// OnChange hears of each row that PostgreSQL says has changed, once it is forgotten here; may be nil. It must not wait.
	OnChange func(id uuid.UUID)
	// OnState hears whether it listens, whenever that changes; for a metric, may be nil.
	OnState func(listening bool)
	Logger  *slog.Logger
}

// Listener hears from PostgreSQL whose row has changed, whoever has changed it and whether Redis is there or not (T5). It takes
// one connection, and makes it anew when it is lost: then everybody is forgotten, for nobody knows what was missed.
type Listener struct {
	ListenerOptions
	queries *db.Queries
	tried   chan struct{}
	once    sync.Once
}

// NewListener makes a listener; Run listens.
func NewListener(o ListenerOptions) *Listener {
	if o.OnChange == nil {
		o.OnChange = func(uuid.UUID) {}
	}
	if o.OnState == nil {
		o.OnState = func(bool) {}
	}
	return &Listener{ListenerOptions: o, queries: db.New(), tried: make(chan struct{})}
}

// Tried is closed once it listens, or has failed to for the first time.
func (l *Listener) Tried() <-chan struct{} { return l.tried }

// Run listens until ctx ends.
func (l *Listener) Run(ctx context.Context) error {
	for wait := listenSoonest; ctx.Err() == nil; wait = min(2*wait, listenLatest) {
		listened, err := l.listen(ctx)
		if listened {
			wait = listenSoonest
		}
		if ctx.Err() == nil {
			l.Logger.WarnContext(ctx, "PostgreSQL does not tell of changes: those that others make are seen within 10 s",
				telemetry.FieldError, err)
		}
		l.once.Do(func() { close(l.tried) })
		_ = sleep.Context(ctx, wait) // the loop looks whether ctx has ended
	}
	return nil
}

// listen hears until the connection is lost, and says whether there was one.
func (l *Listener) listen(ctx context.Context) (listened bool, err error) {
	conn, err := l.subscribe(ctx)
	if err != nil {
		return false, err
	}
	defer closeSoon(ctx, conn)
	// What has changed from now on is told; what was read before may be older.
	l.Cache.forgetAll()
	l.OnState(true)
	defer l.OnState(false)
	l.once.Do(func() { close(l.tried) })
	for {
		if err := l.hearNext(ctx, conn); err != nil {
			return true, fmt.Errorf("listen for changes of users: %w", err)
		}
	}
}

func (l *Listener) subscribe(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, listenConnect)
	defer cancel()
	// A pooler at this address would tell of nothing, and a standby takes no LISTEN: both are refused.
	conn, err := pg.Connect(ctx, pg.SessionOptions{
		URL: l.URL, Name: "authd listener", Timeout: listenConnect, ExecMode: pgx.QueryExecModeSimpleProtocol,
	})
	if err != nil {
		return nil, fmt.Errorf("connect to listen: %w", err)
	}
	err = l.queries.ListenForUserChanges(ctx, conn)
	if err != nil {
		closeSoon(ctx, conn)
		return nil, fmt.Errorf("subscribe to changes of users: %w", err)
	}
	return conn, nil
}

// hearNext waits for one change; where none comes for a while it asks whether the server is still there.
func (l *Listener) hearNext(ctx context.Context, conn *pgx.Conn) error {
	quiet, cancel := context.WithTimeout(ctx, listenQuiet)
	defer cancel()
	change, err := conn.WaitForNotification(quiet)
	switch {
	case err == nil:
		l.hear(change)
		return nil
	case ctx.Err() != nil || !pgconn.Timeout(err):
		return err
	}
	answer, cancel := context.WithTimeout(ctx, listenAnswer)
	defer cancel()
	return conn.Ping(answer)
}

func (l *Listener) hear(change *pgconn.Notification) {
	id, err := uuid.Parse(change.Payload)
	if err != nil {
		l.Cache.forgetAll() // so many that they are not named, or not understood: look again at everybody
		return
	}
	l.Cache.forget(id)
	l.OnChange(id)
}

// closeSoon takes leave of a server that may not listen any more.
func closeSoon(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenAnswer)
	defer cancel()
	_ = conn.Close(ctx) // it is gone either way
}
