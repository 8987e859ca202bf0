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

// Sight says how a verified token met its row.
type Sight string

// The ends of a first sight.
const (
	SightKnown    Sight = "known"    // the row was there
	SightCreated  Sight = "created"  // the row was made
	SightLinked   Sight = "linked"   // a row without a Firebase account was linked (F3)
	SightRelinked Sight = "relinked" // a row whose Firebase account is gone was linked anew (F7)
	SightRefused  Sight = "refused"
)

// conflictRounds bounds how often a first sight starts again after a race. Each round can lose one race against somebody
// who won it, so more rounds than this mean that something else is wrong.
const conflictRounds = 8

var errRaced = errors.New("somebody else was faster")

// ErrCrowded is the answer to a request that lost every round to others of the same account: to try again is all that is needed.
var ErrCrowded = fault.Unavailable("too many requests for this account at this moment; try again", nil)

// FirstSight answers the row of a verified token's subject and makes it where there is none (F1 to F7, F10). However many
// requests and instances do this at once, there is one row and each gets it. One statement when nothing collides and nobody else
// asks; those who ask at once share one that finds whom it can, and the rest another that makes their rows; where nearly everybody is
// new, that one alone. One more where the session goes on from a legacy one (M9), for what ends those. The first session that proves the
// address of a row ends those from before it (F3), in a transaction of its own.
//
// Errors: ErrRevoked (the account was deleted after this session began), ErrUnsupportedIdentity, ErrLinkRequired,
// ErrIdentityConflict, or dependency_unavailable. The caller still has to ask User.Admit.
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

// createFirst makes the row of somebody who is taken for new. For whom none was made is looked for after all, together with whoever else
// that is: a crowd of known people shares statements although it was taken for another, and is let in where no row can be made.
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

// create makes the row of an identity, together with whoever else waits for one.
func (s *Store) create(ctx context.Context, id identity) (User, Sight, error) {
	made, err := s.batches.create.Ask(ctx, id)
	if err != nil || made.sight != "" {
		return made.user, made.sight, err
	}
	return s.findOrCreate(ctx, id)
}

// findOrCreate finds the row of an identity or makes it, whoever brings it.
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

// knownOr lets a person in whose row exists although no row could be made of the token; else it answers refusal.
func (s *Store) knownOr(ctx context.Context, uid string, refusal error) (User, Sight, error) {
	row, err := s.queries.UserByFirebaseUID(ctx, s.pool, uid)
	if pg.NoRows(err) {
		return User{}, SightRefused, refusal
	}
	return FromRow(db.UserByIDRow(row)), SightKnown, err
}

func (s *Store) insertOrFind(ctx context.Context, id identity, username string) (User, Sight, error) {
	params := s.newRow(id, username)
	row, err := s.firstSightRow(ctx, id, params)
	if err != nil {
		return User{}, SightRefused, err
	}
	if row.ID == params.ID {
		return FromRow(db.UserByIDRow(row)), SightCreated, nil
	}
	return FromRow(db.UserByIDRow(row)), SightKnown, nil
}

// newRow is the row that an identity would have.
func (s *Store) newRow(id identity, username string) db.FirstSightParams {
	row := db.FirstSightParams{
		ID: uuid.New(), FirebaseUID: id.uid, Email: id.email, ProviderData: id.providerData, AuthTime: id.authTime, Seen: id.seen,
		ProvenBy: s.provenBy(id),
	}
	if row.Email == "" {
		row.Email = placeholderEmail(row.ID)
	}
	if username != "" {
		row.Username, row.OtherUsername = new(username), new(WithSuffix(username))
	}
	return row
}

// firstSightRow runs the one statement. What an operator brings in is on record in the same transaction (O4).
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

// afterConflict finds out why no row came back: the account was deleted, the row is there by now, the e-mail belongs to
// another row, or only the username was taken in that instant (errRaced: start again).
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
		return s.linkByEmail(ctx, FromRow(db.UserByIDRow(row)), id)
	case *row.FirebaseUID == id.uid:
		return FromRow(db.UserByIDRow(row)), SightKnown, nil
	default:
		return s.resolveConflict(ctx, FromRow(db.UserByIDRow(row)), id)
	}
}

func withSuffix(username string) string {
	if username == "" {
		return ""
	}
	return WithSuffix(username)
}
