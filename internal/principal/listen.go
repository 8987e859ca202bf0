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

// A hanging connection fails a ping after listenQuiet. Reconnects back off.
const (
	listenQuiet   = time.Second
	listenAnswer  = time.Second
	listenConnect = 2 * time.Second
	listenSoonest = 100 * time.Millisecond
	listenLatest  = 2 * time.Second
)

// ListenerOptions configures a Listener. URL, Cache and Logger are required.
type ListenerOptions struct {
	// URL must bypass transaction poolers: they accept LISTEN but forward nothing (D6).
	URL   string
	Cache *Cache
	// OnChange receives each changed row, after it is forgotten here. It must not block.
	OnChange func(id uuid.UUID)
	OnState  func(listening bool)
	Logger   *slog.Logger
}

// Listener drops facts when PostgreSQL announces a changed row, by any writer (T5). Each reconnect drops all facts: notifications may have
// been missed.
type Listener struct {
	ListenerOptions
	queries *db.Queries
	tried   chan struct{}
	once    sync.Once
}

// NewListener returns a listener.
func NewListener(o ListenerOptions) *Listener {
	if o.OnChange == nil {
		o.OnChange = func(uuid.UUID) {}
	}
	if o.OnState == nil {
		o.OnState = func(bool) {}
	}
	return &Listener{ListenerOptions: o, queries: db.New(), tried: make(chan struct{})}
}

// Tried returns a channel that closes after the first attempt to listen.
func (l *Listener) Tried() <-chan struct{} { return l.tried }

// Run listens until ctx ends.
func (l *Listener) Run(ctx context.Context) error {
	for wait := listenSoonest; ctx.Err() == nil; wait = min(2*wait, listenLatest) {
		listened, err := l.listen(ctx)
		if listened {
			wait = listenSoonest
		}
		if ctx.Err() == nil {
			l.Logger.WarnContext(ctx, "PostgreSQL does not tell of changes: those that others make are seen within "+factsAge,
				telemetry.FieldError, err)
		}
		l.once.Do(func() { close(l.tried) })
		_ = sleep.Context(ctx, wait) // the loop checks ctx
	}
	return nil
}

func (l *Listener) listen(ctx context.Context) (listened bool, err error) {
	conn, err := l.subscribe(ctx)
	if err != nil {
		return false, err
	}
	defer closeSoon(ctx, conn)
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
	// It refuses poolers and standbys.
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
		l.Cache.forgetAll() // a bulk change or unknown
		return
	}
	l.Cache.forget(id)
	l.OnChange(id)
}

func closeSoon(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenAnswer)
	defer cancel()
	_ = conn.Close(ctx) // lost either way
}
