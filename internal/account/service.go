package account

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/batch"
	"auth-v2-service/internal/clock"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/intent"
	"auth-v2-service/internal/limit"
	"auth-v2-service/internal/password"
	"auth-v2-service/internal/session"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

// Identities is the part of firebase.Client in use.
type Identities interface {
	CreateUser(ctx context.Context, u firebase.NewUser) error
	User(ctx context.Context, uid string) (firebase.User, error)
	UserByEmail(ctx context.Context, email string) (firebase.User, error)
	DeleteUser(ctx context.Context, uid string) error
	SetPassword(ctx context.Context, uid, password string) error
	SignIn(ctx context.Context, email, password string) (firebase.Session, error)
	SignInAs(ctx context.Context, uid string, developerClaims map[string]any) (firebase.Session, error)
	FinishSignIn(ctx context.Context, pendingCredential, factorID, code string) (firebase.Session, error)
	Refresh(ctx context.Context, refreshToken string) (firebase.Session, error)
	SendPasswordReset(ctx context.Context, email string) error
	ResetAddress(ctx context.Context, code string) (email string, err error)
	ResetPassword(ctx context.Context, code, newPassword string) (email string, err error)
	SendEmailVerification(ctx context.Context, idToken string) error
	ConfirmEmail(ctx context.Context, code string) (email string, err error)
}

// Mover moves users: move.Mover.
type Mover interface {
	// AtSignIn moves a user and signs in with the proved password.
	AtSignIn(ctx context.Context, id uuid.UUID, password string) (firebase.Session, error)
	WithoutPassword(ctx context.Context, id uuid.UUID, actor string) error
}

// Options configure a Service. Clocks, FailureTime and Everybody are optional.
type Options struct {
	Pool       *pgxpool.Pool
	Identities Identities
	Verifier   *token.Verifier
	Users      *user.Store
	Sessions   *session.Service
	Mover      Mover
	Attempts   *limit.Limiter
	Passwords  *password.Hasher
	Intents    *intent.Log
	Logger     *slog.Logger
	// Everybody moves each local user at sign-in (LEGACY_TOKENS=off).
	Everybody bool
	// OnChange runs after the commit of a change.
	OnChange func(ctx context.Context, id uuid.UUID)
	// EnqueueSync runs in a change's transaction, after its statement (S3).
	EnqueueSync func(ctx context.Context, tx pgx.Tx, id uuid.UUID) error
	Clocks      *clock.Clocks
	// Refusals last a multiple of FailureTime (A3). 0 means 500 ms.
	FailureTime time.Duration
}

// Service is safe for concurrent use.
type Service struct {
	pool        *pgxpool.Pool
	queries     *db.Queries
	identities  Identities
	verifier    *token.Verifier
	users       *user.Store
	sessions    *session.Service
	mover       Mover
	attempts    *limit.Limiter
	intents     *intent.Log
	log         *slog.Logger
	everybody   bool
	onChange    func(ctx context.Context, id uuid.UUID)
	enqueueSync func(ctx context.Context, tx pgx.Tx, id uuid.UUID) error
	failureTime time.Duration
	refreshing  batch.Shared[firebase.Session] // by a token's SHA-256
	carrying    batch.Shared[Tokens]           // by legacy session ID
	passwords   *password.Hasher
	clocks      *clock.Clocks
}

// New returns a service.
func New(o Options) *Service {
	if o.FailureTime == 0 {
		o.FailureTime = 500 * time.Millisecond
	}
	if o.Clocks == nil {
		o.Clocks = clock.New(clock.Options{})
	}
	return &Service{
		pool: o.Pool, queries: db.New(), identities: o.Identities, verifier: o.Verifier, users: o.Users,
		sessions: o.Sessions, mover: o.Mover, attempts: o.Attempts, intents: o.Intents, log: o.Logger, everybody: o.Everybody,
		onChange: o.OnChange, enqueueSync: o.EnqueueSync, failureTime: o.FailureTime, passwords: o.Passwords, clocks: o.Clocks,
	}
}

// Session is the result of a sign-in.
type Session struct {
	Tokens Tokens
	Claims token.Claims
	User   user.User
}

// Tokens are a pair. ExpiresIn is IDToken's life.
type Tokens struct {
	IDToken      string
	RefreshToken string
	ExpiresIn    time.Duration
	Kind         token.Kind
}

func legacySession(issued session.Issued) Session {
	return Session{
		Tokens: Tokens{
			IDToken: issued.Pair.AccessToken, RefreshToken: issued.Pair.RefreshToken, ExpiresIn: issued.Pair.ExpiresIn,
			Kind: token.KindLegacy,
		},
		Claims: issued.Claims, User: issued.User,
	}
}

func firebaseTokens(s firebase.Session) Tokens {
	return Tokens{IDToken: s.IDToken, RefreshToken: s.RefreshToken, ExpiresIn: s.ExpiresIn, Kind: token.KindFirebase}
}
