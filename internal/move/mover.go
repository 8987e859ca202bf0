package move

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/clock"
	"auth-v2-service/internal/detach"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/intent"
	"auth-v2-service/internal/password"
	"auth-v2-service/internal/user"
)

// ErrNotMovable says that the row is moved, inactive, claimed or stopped by a conflict within the hour (then ErrConflict too), or
// LEGACY_EMAIL_VERIFIED undecided (M5). Nothing has changed.
var ErrNotMovable = errors.New("this user is not to be moved now")

// DefaultLapse is the default of Options.Lapse.
const DefaultLapse = 60 * time.Second

const (
	moveLimit    = 5 * time.Second
	releaseLimit = time.Second
)

// Identities is implemented by firebase.Client.
type Identities interface {
	// After firebase.ErrUnreachable the account may exist (M2).
	Import(ctx context.Context, users []firebase.ImportUser) ([]firebase.ImportFailure, error)
	User(ctx context.Context, uid string) (firebase.User, error)
	// At most firebase.MaxLookUp.
	Users(ctx context.Context, uids []string) (map[string]firebase.User, error)
	UserByEmail(ctx context.Context, email string) (firebase.User, error)
	SetDisabled(ctx context.Context, uid string, disabled bool) error
	BatchDelete(ctx context.Context, uids []string, force bool) ([]firebase.DeleteFailure, error)
	SetPassword(ctx context.Context, uid, password string) error
	// Errors: firebase.ErrNotDisplaceable.
	Displace(ctx context.Context, uid, newEmail string) error
	// It refuses verified addresses only.
	DisplaceUnverified(ctx context.Context, uid, newEmail string) error
	SignIn(ctx context.Context, email, password string) (firebase.Session, error)
}

// Policy holds the operator's decisions.
type Policy struct {
	// LEGACY_EMAIL_VERIFIED is set (M5).
	Allowed  bool
	Verified user.PlatformVerified
}

// Options configure a Mover. Pool, Identities, Policy and Intents are required.
type Options struct {
	Pool       *pgxpool.Pool
	Identities Identities
	Policy     Policy
	Passwords  *password.Hasher
	Intents    *intent.Log
	// Lapse is the age at which a claim may be taken over. A move with its release takes three quarters of it at most.
	Lapse time.Duration
	// Clocks date a password in Firebase's time (A7).
	Clocks *clock.Clocks
	// OnChange receives each moved row after the commit.
	OnChange func(ctx context.Context, id uuid.UUID)
	// OnMove receives the Outcome of each try.
	OnMove func(outcome string)
	Logger *slog.Logger
}

// Mover moves users. Safe for concurrent use.
type Mover struct {
	pool       *pgxpool.Pool
	queries    *db.Queries
	identities Identities
	policy     Policy
	passwords  *password.Hasher
	intents    *intent.Log
	clocks     *clock.Clocks
	lapse      time.Duration
	limit      time.Duration
	patience   time.Duration
	onChange   func(ctx context.Context, id uuid.UUID)
	onMove     func(outcome string)
	log        *slog.Logger
}

// New returns a Mover.
func New(o Options) *Mover {
	if o.Lapse <= 0 {
		o.Lapse = DefaultLapse
	}
	if o.OnChange == nil {
		o.OnChange = func(context.Context, uuid.UUID) {}
	}
	if o.OnMove == nil {
		o.OnMove = func(string) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Clocks == nil {
		o.Clocks = clock.New(clock.Options{})
	}
	if o.Passwords == nil {
		o.Passwords = password.New(password.Options{})
	}
	return &Mover{
		pool: o.Pool, queries: db.New(), identities: o.Identities, policy: o.Policy, passwords: o.Passwords, intents: o.Intents,
		clocks: o.Clocks, lapse: o.Lapse, limit: min(moveLimit, o.Lapse/2), patience: min(releaseLimit, o.Lapse/4),
		onChange: o.OnChange, onMove: o.OnMove, log: o.Logger,
	}
}

// AtSignIn moves a user after a local password check and signs in at Firebase. The caller must wait out the second of the last revocation
// (T4).
//
// After any error the row is local and its password works. Errors: ErrNotMovable; ErrConflict, recorded, which blocks tries for an hour;
// otherwise an outage. Cancelling ctx does not stop a claimed move.
func (m *Mover) AtSignIn(ctx context.Context, id uuid.UUID, password string) (firebase.Session, error) {
	return m.run(ctx, id, userActor(id), &password)
}

// WithoutPassword moves a user before a mail from Firebase (A9). Errors are those of AtSignIn.
func (m *Mover) WithoutPassword(ctx context.Context, id uuid.UUID, actor string) error {
	_, err := m.run(ctx, id, actor, nil)
	return err
}

func userActor(id uuid.UUID) string { return "user:" + id.String() }

func (m *Mover) run(ctx context.Context, id uuid.UUID, actor string, password *string) (firebase.Session, error) {
	if !m.policy.Allowed {
		m.onMove(OutcomeNotMovable)
		return firebase.Session{}, ErrNotMovable
	}
	p, err := m.claim(ctx, id, actor)
	if err != nil {
		m.onMove(outcomeOf(err))
		return firebase.Session{}, err
	}
	ctx, cancel := detach.Context(ctx, m.limit+m.patience)
	defer cancel()
	session, err := m.migrate(ctx, p, password)
	if err != nil {
		err = m.release(ctx, p, err)
		m.onMove(outcomeOf(err))
		return firebase.Session{}, err
	}
	m.onMove(OutcomeMoved)
	m.onChange(context.WithoutCancel(ctx), id)
	return session, nil
}

// migrate leaves time for the release.
func (m *Mover) migrate(ctx context.Context, p claimedUser, password *string) (firebase.Session, error) {
	if deadline, bounded := ctx.Deadline(); bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-m.patience))
		defer cancel()
	}
	p.typed = password
	a, err := m.provision(ctx, p)
	if err != nil {
		return firebase.Session{}, err
	}
	var session firebase.Session
	if password != nil {
		if session, err = m.signIn(ctx, p, a, *password); err != nil {
			return firebase.Session{}, err
		}
	}
	a.samePassword = a.fresh || password != nil
	err = m.finish(ctx, p, a)
	if errors.Is(err, ErrNotMovable) && password == nil {
		err = m.withdraw(ctx, provided{p, a})
	}
	return session, err
}
