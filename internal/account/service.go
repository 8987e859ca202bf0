package account

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/limit"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

// Identities is what this room asks of Firebase: firebase.Client.
type Identities interface {
	CreateUser(ctx context.Context, u firebase.NewUser) error
	User(ctx context.Context, uid string) (firebase.User, error)
	DeleteUser(ctx context.Context, uid string) error
	SignIn(ctx context.Context, email, password string) (firebase.Session, error)
	Refresh(ctx context.Context, refreshToken string) (firebase.Session, error)
}

// Options say what a Service stands on. All but FailureTime are required.
type Options struct {
	Pool       *pgxpool.Pool
	Identities Identities
	Verifier   *token.Verifier
	Users      *user.Store
	Attempts   *limit.Limiter
	// FailureTime is the beat on which refused sign-ins are answered (A3); 0: 500 ms.
	FailureTime time.Duration
}

// Service runs the flows. Safe for concurrent use.
type Service struct {
	pool        *pgxpool.Pool
	queries     *db.Queries
	identities  Identities
	verifier    *token.Verifier
	users       *user.Store
	attempts    *limit.Limiter
	failureTime time.Duration
}

// New makes a service.
func New(o Options) *Service {
	if o.FailureTime == 0 {
		o.FailureTime = 500 * time.Millisecond
	}
	return &Service{
		pool: o.Pool, queries: db.New(), identities: o.Identities, verifier: o.Verifier, users: o.Users,
		attempts: o.Attempts, failureTime: o.FailureTime,
	}
}

// Session is somebody who has just signed in: Firebase's pair of tokens, and the row.
type Session struct {
	Tokens Tokens
	Claims token.Claims
	User   user.User
}

// Tokens are what a client keeps. ExpiresIn is the life of IDToken.
type Tokens struct {
	IDToken      string
	RefreshToken string
	ExpiresIn    time.Duration
	Kind         token.Kind
}

func firebaseTokens(s firebase.Session) Tokens {
	return Tokens{IDToken: s.IDToken, RefreshToken: s.RefreshToken, ExpiresIn: s.ExpiresIn, Kind: token.KindFirebase}
}
