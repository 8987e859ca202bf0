package user

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/token"
)

// Sight is a first sight's result.
type Sight string

// Results.
const (
	SightKnown    Sight = "known"
	SightCreated  Sight = "created"
	SightLinked   Sight = "linked"   // F3
	SightRelinked Sight = "relinked" // the former account is gone (F7)
	SightRefused  Sight = "refused"
)

// Each round can lose one race; more mean another fault.
const conflictRounds = 8

var errRaced = errors.New("another request was faster")

// ErrCrowded says that every round lost a race; a retry helps.
var ErrCrowded = fault.Unavailable("too many requests for this account at this moment; try again", nil)

// FirstSight returns or creates the row of a token's subject (F1 to F7, F10). Concurrent requests and instances get one row. A lone request
// costs one statement, a legacy session one more (M9); concurrent requests share a look-up and an insert. The first proof of an address
// ends earlier sessions (F3).
//
// Errors: ErrRevoked (deleted after the session began), ErrUnsupportedIdentity, ErrLinkRequired, ErrIdentityConflict, or
// dependency_unavailable. The caller must still call User.Admit.
func (s *Store) FirstSight(ctx context.Context, claims token.Claims) (User, error) {
	u, sight, err := s.firstSight(ctx, claims)
	if err != nil {
		s.onSight(SightRefused)
		return User{}, fmt.Errorf("first sight of %s: %w", claims.Subject, pg.Fault(err))
	}
	s.onSight(sight)
	s.misses.record(sight)
	if u, err = s.noteProof(ctx, u, claims); err != nil {
		return User{}, fmt.Errorf("first sight of %s: %w", claims.Subject, pg.Fault(err))
	}
	if claims.OfLegacySession() {
		return s.ByLegacyID(ctx, u.ID)
	}
	return u, nil
}

func (s *Store) firstSight(ctx context.Context, claims token.Claims) (User, Sight, error) {
	if s.misses.high() {
		if id, err := identityOf(claims); err == nil {
			return s.createFirst(ctx, claims, id)
		}
	}
	found, err := s.batches.findOrCreate.Ask(ctx, claims)
	if err != nil || found.sight != "" {
		return found.user, found.sight, err
	}
	id, err := identityOf(claims)
	if err != nil {
		return User{}, SightRefused, err
	}
	return s.create(ctx, id)
}

// createFirst inserts before it looks, for times with mostly new users. Known users get in even where no row can be created.
func (s *Store) createFirst(ctx context.Context, claims token.Claims, id identity) (User, Sight, error) {
	made, err := s.batches.create.Ask(ctx, id)
	outage := pg.Outage(err)
	if !outage && (err != nil || made.sight != "") {
		return made.user, made.sight, err
	}
	if outage {
		s.misses.reset()
	}
	found, lookErr := s.batches.find.Ask(ctx, claims)
	switch {
	case lookErr != nil || found.sight != "":
		return found.user, found.sight, lookErr
	case outage:
		return User{}, SightRefused, err
	default:
		return s.findOrCreate(ctx, id)
	}
}

func (s *Store) create(ctx context.Context, id identity) (User, Sight, error) {
	made, err := s.batches.create.Ask(ctx, id)
	if err != nil || made.sight != "" {
		return made.user, made.sight, err
	}
	return s.findOrCreate(ctx, id)
}

func (s *Store) findOrCreate(ctx context.Context, id identity) (User, Sight, error) {
	username := UsernameFrom(id.displayName)
	for range conflictRounds {
		u, sight, err := s.insertOrFind(ctx, id, username)
		if !pg.NoRows(err) {
			return u, sight, err
		}
		u, sight, err = s.afterConflict(ctx, id)
		if !errors.Is(err, errRaced) {
			return u, sight, err
		}
		username = withSuffix(username)
	}
	return User{}, SightRefused, ErrCrowded.With(errRaced)
}

func (s *Store) knownOr(ctx context.Context, uid string, refusal error) (User, Sight, error) {
	row, err := s.queries.UserByFirebaseUID(ctx, s.pool, uid)
	if pg.NoRows(err) {
		return User{}, SightRefused, refusal
	}
	return FromRow(row.User()), SightKnown, err
}

func (s *Store) insertOrFind(ctx context.Context, id identity, username string) (User, Sight, error) {
	params := s.newRow(id, username)
	row, err := s.firstSightRow(ctx, id, params)
	if err != nil {
		return User{}, SightRefused, err
	}
	if row.ID == params.ID {
		return FromRow(row.User()), SightCreated, nil
	}
	return FromRow(row.User()), SightKnown, nil
}

func (s *Store) newRow(id identity, username string) db.FirstSightParams {
	row := db.FirstSightParams{
		ID: uuid.New(), FirebaseUID: id.uid, Email: id.email, ProviderData: id.providerData, AuthTime: id.authTime, Seen: id.seen,
		ProvenBy: s.provenBy(id),
	}
	if row.Email == "" {
		row.Email = PlaceholderEmail(row.ID)
	}
	if username != "" {
		row.Username, row.OtherUsername = new(username), new(WithSuffix(username))
	}
	return row
}

// An operator's new row is audited in the same transaction (O4).
func (s *Store) firstSightRow(ctx context.Context, id identity, params db.FirstSightParams) (row db.FirstSightRow, err error) {
	if id.seen {
		return s.queries.FirstSight(ctx, s.pool, params)
	}
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if row, err = s.queries.FirstSight(ctx, tx, params); err != nil || row.ID != params.ID {
			return err
		}
		return audit.Record(ctx, tx, audit.Event{
			Action: "user.created", Actor: id.actor, UserID: row.ID, RequestID: telemetry.RequestID(ctx),
			Details: map[string]any{"firebase_uid": id.uid, "provider": id.provider},
		})
	})
	return row, err
}

// afterConflict explains a missing row: a tombstone, a concurrent insert, a taken e-mail, or a taken username (errRaced).
func (s *Store) afterConflict(ctx context.Context, id identity) (User, Sight, error) {
	deleted, err := s.queries.Deleted(ctx, s.pool, db.DeletedParams{FirebaseUID: id.uid, AuthTime: id.authTime})
	if err != nil {
		return User{}, SightRefused, err
	}
	if deleted {
		return User{}, SightRefused, ErrRevoked
	}
	u, sight, err := s.knownOr(ctx, id.uid, errRaced)
	if !errors.Is(err, errRaced) || id.email == "" {
		return u, sight, err
	}
	row, err := s.queries.UserByEmail(ctx, s.pool, id.email)
	switch {
	case pg.NoRows(err):
		return User{}, SightRefused, errRaced
	case err != nil:
		return User{}, SightRefused, err
	case row.FirebaseUID == nil:
		return s.linkByEmail(ctx, FromRow(row.User()), id)
	case *row.FirebaseUID == id.uid:
		return FromRow(row.User()), SightKnown, nil
	default:
		return s.resolveConflict(ctx, FromRow(row.User()), id)
	}
}

func withSuffix(username string) string {
	if username == "" {
		return ""
	}
	return WithSuffix(username)
}
