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

// ErrNotMovable says that this is not a row to be moved now: it has been, it is inactive, somebody else is at it, it was stopped
// by a conflict within the hour (then the error is ErrConflict, too), or LEGACY_EMAIL_VERIFIED was not decided (M5). Nothing has changed.
var ErrNotMovable = errors.New("this user is not to be moved now")

// DefaultLapse is how old a claim must be for somebody else to take it over.
const DefaultLapse = 60 * time.Second

// The time that one move may take, and that giving a claim back may take after it. Both end with the request's deadline.
const (
	moveLimit    = 5 * time.Second
	releaseLimit = time.Second
)

// Identities is what this room asks of Firebase: firebase.Client. Their errors are that package's.
type Identities interface {
	// Import never overwrites. After firebase.ErrUnreachable the account is there or not (M2).
	Import(ctx context.Context, users []firebase.ImportUser) ([]firebase.ImportFailure, error)
	User(ctx context.Context, uid string) (firebase.User, error)
	UserByEmail(ctx context.Context, email string) (firebase.User, error)
	SetPassword(ctx context.Context, uid, password string) error
	// Displace refuses what may be the owner's: firebase.ErrNotDisplaceable.
	Displace(ctx context.Context, uid, newEmail string) error
	// DisplaceUnverified refuses verified addresses alone: firebase.ErrNotDisplaceable.
	DisplaceUnverified(ctx context.Context, uid, newEmail string) error
	SignIn(ctx context.Context, email, password string) (firebase.Session, error)
}

// Policy is what the operator has decided.
type Policy struct {
	// Allowed: LEGACY_EMAIL_VERIFIED was set on purpose (M5). Else nobody is moved.
	Allowed bool
	// Verified is what the platform knows of its addresses. It never covers an admin's.
	Verified user.PlatformVerified
}

// Options say what a Mover stands on. Pool, Identities, Policy and Intents are required.
type Options struct {
	Pool       *pgxpool.Pool
	Identities Identities
	Policy     Policy
	// Passwords checks the hash that was claimed. Nil: a Hasher with its defaults.
	Passwords *password.Hasher
	// Intents are the changes at Firebase that are under way.
	Intents *intent.Log
	// Lapse is how old a claim must be for somebody else to take it over; 0: DefaultLapse. A move ends well within it, or is
	// taken for dead.
	Lapse time.Duration
	// Clocks date a password in Firebase's time (A7). Nil: clocks that have read nothing.
	Clocks *clock.Clocks
	// OnChange hears of each row that has moved, after the commit and before the caller is answered. Nil: nobody does.
	OnChange func(ctx context.Context, id uuid.UUID)
	// OnMove hears how each try ended, by the Outcome constants; for a metric. Nil: nobody does.
	OnMove func(outcome string)
	// Logger hears of what the caller cannot: a claim that could not be given back. Nil: silence.
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
	patience   time.Duration // for giving a claim back
	onChange   func(ctx context.Context, id uuid.UUID)
	onMove     func(outcome string)
	log        *slog.Logger
}

// New makes a mover.
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

// AtSignIn moves somebody who has just proved the password against the row's hash, and signs in with it at Firebase. The
// session is Firebase's own: it may begin in the second of the last revocation, which the caller waits out (T4).
//
// Whatever the error, the row is local and the password opens it here: the caller answers as it would have without a move.
// Errors: ErrNotMovable; ErrConflict, which is recorded and keeps the row from being tried for an hour; else an outage, after
// which the next sign-in tries again. Once the row is claimed, hanging up stops nothing.
func (m *Mover) AtSignIn(ctx context.Context, id uuid.UUID, password string) (firebase.Session, error) {
	return m.run(ctx, id, userActor(id), &password)
}

// WithoutPassword moves a user without a password at hand, for a mail of Firebase's (A9), in the name of actor. The errors are those of AtSignIn.
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
	m.onChange(context.WithoutCancel(ctx), id) // the row has changed, however little time is left
	return session, nil
}

// migrate does the work between claim and commit. It leaves of ctx what giving the claim back may take.
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
	return session, m.finish(ctx, p, a)
}
