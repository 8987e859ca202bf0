package bulk

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/move"
	"auth-v2-service/internal/rollback"
)

// Mover is implemented by move.Mover.
type Mover interface {
	Move(ctx context.Context, b move.Batch) (move.Report, error)
	NotMovable(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error)
}

// Returner is implemented by rollback.Returner.
type Returner interface {
	Prepare(ctx context.Context) (*rollback.Configs, error)
	Page(ctx context.Context, page string, c *rollback.Configs, b rollback.Batch) (results []rollback.Result, next string, err error)
	Preview(ctx context.Context, c *rollback.Configs, holds func(id uuid.UUID) bool) (rollback.Preview, error)
}

// Canaries is implemented by firebase.Client.
type Canaries interface {
	SignIn(ctx context.Context, email, password string) (firebase.Session, error)
	SetDisabled(ctx context.Context, uid string, disabled bool) error
	DeleteUser(ctx context.Context, uid string) error
}

// Options configure a Service. The functions and Logger are optional.
type Options struct {
	Pool     *pgxpool.Pool
	Mover    Mover
	Returner Returner
	Canaries Canaries
	Target   Target
	// MovesAllowed: LEGACY_EMAIL_VERIFIED is set (M5).
	MovesAllowed bool
	// LegacyOff: LEGACY_TOKENS=off, and no returned user could sign in.
	LegacyOff bool
	Enqueue   func(ctx context.Context, tx pgx.Tx, id uuid.UUID) error
	OnUsers   func(kind, outcome, code string, users int)
	OnState   func(kind, state, reason string)
	Logger    *slog.Logger

	// Patience is the wait for another try's users. 0 means its default.
	Patience time.Duration
	// Backoff is the first wait after Firebase's trouble. 0 means its default.
	Backoff time.Duration
	// SlowestPace is in users a second: Firebase's refusals halve a run's pace down to it. 0 means its default.
	SlowestPace float64
}

const (
	defaultPatience = 5 * time.Second
	defaultBackoff  = time.Second
	defaultSlowest  = 1
)

// Service keeps and carries runs. Safe for concurrent use.
type Service struct {
	Options
	queries *db.Queries
}

// New returns a Service.
func New(o Options) *Service {
	if o.Enqueue == nil {
		o.Enqueue = func(context.Context, pgx.Tx, uuid.UUID) error { return nil }
	}
	if o.OnUsers == nil {
		o.OnUsers = func(string, string, string, int) {}
	}
	if o.OnState == nil {
		o.OnState = func(string, string, string) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Patience <= 0 {
		o.Patience = defaultPatience
	}
	if o.Backoff <= 0 {
		o.Backoff = defaultBackoff
	}
	if o.SlowestPace <= 0 {
		o.SlowestPace = defaultSlowest
	}
	return &Service{Options: o, queries: db.New()}
}
