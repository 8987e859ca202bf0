package session

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/clock"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/sleep"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

// ErrOff says that LEGACY_TOKENS=off.
var ErrOff = fault.Unavailable("sign-in is not possible at this moment; try again", nil)

var errClocks = fault.Unavailable("sign-in is not possible at this moment; try again", nil)

// Options configure a Service. Tokens nil means LEGACY_TOKENS=off.
type Options struct {
	Pool   *pgxpool.Pool
	Tokens *token.Legacy
	Users  *user.Store
	Life   time.Duration
	// Clocks must be those of Tokens.
	Clocks *clock.Clocks
	// One session more ends the least recently used.
	Most int
	// OnChange is called after the commit.
	OnChange func(ctx context.Context, userID uuid.UUID)
}

// Service manages legacy sessions. Safe for concurrent use.
type Service struct {
	pool     *pgxpool.Pool
	queries  *db.Queries
	tokens   *token.Legacy
	users    *user.Store
	life     time.Duration
	clocks   *clock.Clocks
	most     int32
	onChange func(ctx context.Context, userID uuid.UUID)
}

// DefaultMost is the default of Options.Most.
const DefaultMost = 50

// New returns a Service.
func New(o Options) *Service {
	if o.Clocks == nil {
		o.Clocks = clock.New(clock.Options{})
	}
	return &Service{
		pool: o.Pool, queries: db.New(), tokens: o.Tokens, users: o.Users, life: o.Life, clocks: o.Clocks,
		most: int32(cmp.Or(o.Most, DefaultMost)), onChange: o.OnChange, //nolint:gosec // the configuration bounds it
	}
}

func (s *Service) told(ctx context.Context, userID uuid.UUID, displaced []uuid.UUID) {
	if len(displaced) > 0 {
		s.onChange(ctx, userID)
	}
}

func requestID(ctx context.Context) *string {
	if id := telemetry.RequestID(ctx); id != "" {
		return &id
	}
	return nil
}

// Pair is a client's tokens. ExpiresIn is the access token's life.
type Pair struct {
	AccessToken  string
	RefreshToken string
	ExpiresIn    time.Duration
}

// Issued is a pair with its user.
type Issued struct {
	Pair   Pair
	Claims token.Claims
	User   user.User
}

const maxAgent = 256

// Begin starts a session after a sign-in and updates last_login at once (F8). It waits out the second of the last revocation (T4). Errors:
// user.ErrDeactivated, user.ErrRevoked for a deleted account, ErrOff.
func (s *Service) Begin(ctx context.Context, userID uuid.UUID, agent string) (Issued, error) {
	if s.tokens == nil {
		return Issued{}, ErrOff
	}
	params := db.BeginLegacySessionParams{
		UserID: userID, ID: uuid.New(), Seed: newSeed(), LifeSeconds: s.life.Seconds(), UserAgent: clientName(agent),
		Most: s.most, RequestID: requestID(ctx),
	}
	for deadline := time.Now().Add(maxWait); ; {
		params.LegacyLead = s.clocks.LegacyLead()
		row, err := s.queries.BeginLegacySession(ctx, s.pool, params)
		switch {
		case err == nil:
			s.told(ctx, userID, row.Displaced)
			u := user.FromRow(row.User())
			state := state{id: params.ID, began: row.BeganAt, seed: params.Seed, rotated: row.RotatedAt, expires: row.ExpiresAt}
			return s.issue(u, state), nil
		case !pg.NoRows(err):
			return Issued{}, fmt.Errorf("begin a session of user %s: %w", userID, pg.Fault(err))
		}
		if err := s.whyNot(ctx, userID); err != nil {
			return Issued{}, err
		}
		if time.Now().After(deadline) {
			return Issued{}, errClocks
		}
		if err := sleep.Context(ctx, revokedPoll); err != nil {
			return Issued{}, err
		}
	}
}

// Continue turns a Firebase session into a legacy session (M9). It keeps its age, so all revocations cover it (T4).
func (s *Service) Continue(ctx context.Context, u user.User, began time.Time, agent string) (Issued, error) {
	if s.tokens == nil {
		return Issued{}, ErrOff
	}
	st := state{id: uuid.New(), began: later(began, s.clocks.FromFirebase(began)), seed: newSeed()}
	row, err := s.queries.ContinueLegacySession(ctx, s.pool, db.ContinueLegacySessionParams{
		UserID: u.ID, ID: st.id, BeganAt: st.began, SignedInAt: began, Seed: st.seed, LifeSeconds: s.life.Seconds(),
		UserAgent: clientName(agent), Most: s.most, RequestID: requestID(ctx), LegacyLead: s.clocks.LegacyLead(),
	})
	switch {
	case pg.NoRows(err):
		return Issued{}, cmp.Or(s.whyNot(ctx, u.ID), error(user.ErrRevoked))
	case err != nil:
		return Issued{}, fmt.Errorf("go on with a session of user %s: %w", u.ID, pg.Fault(err))
	}
	s.told(ctx, u.ID, row.Displaced)
	st.rotated, st.expires = row.RotatedAt, row.ExpiresAt
	return s.issue(u, st), nil
}

// Carry notes that a session continues at Firebase (M9), so that its end counts there. Errors: user.ErrRevoked.
func (s *Service) Carry(ctx context.Context, id uuid.UUID) error {
	n, err := s.queries.CarryLegacySession(ctx, s.pool, id)
	switch {
	case err != nil:
		return fmt.Errorf("note that session %s goes on at Firebase: %w", id, pg.Fault(err))
	case n == 0:
		return user.ErrRevoked
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if b = b.Truncate(time.Second); b.After(a) {
		return b
	}
	return a
}

const (
	maxWait     = 3 * time.Second
	revokedPoll = 100 * time.Millisecond
)

func (s *Service) whyNot(ctx context.Context, userID uuid.UUID) error {
	u, err := s.users.ByLegacyID(ctx, userID)
	if err != nil {
		return err
	}
	return u.Admit(token.Claims{Kind: token.KindFirebase, AuthTime: farFuture})
}

// Admit then checks the account only.
var farFuture = time.Unix(1<<40, 0)

func newSeed() []byte {
	seed := make([]byte, 16)
	rand.Read(seed)
	return seed
}

func clientName(agent string) *string {
	if agent == "" {
		return nil
	}
	agent = truncate(agent, maxAgent)
	return &agent
}
