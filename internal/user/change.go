package user

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/clock"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/token"
)

// usernameKey is the unique constraint that decides whether a name is taken.
const usernameKey = "users_username_key"

// ByID reads one row. ErrNotFound when there is none.
func (s *Store) ByID(ctx context.Context, id uuid.UUID) (User, error) {
	u, err := s.batches.rows.Ask(ctx, id)
	switch {
	case err != nil:
		return User{}, fmt.Errorf("read user %s: %w", id, pg.Fault(err))
	case u == nil:
		return User{}, ErrNotFound
	}
	return *u, nil
}

// ByLegacyID reads the row that a legacy token names, with what revokes legacy tokens alone (F1: the id is looked up as an id and
// nothing else). Errors: token.ErrMalformed for an id that nobody ever had, ErrRevoked for a deleted account (F10).
func (s *Store) ByLegacyID(ctx context.Context, id uuid.UUID) (User, error) {
	u, err := s.batches.legacyRows.Ask(ctx, id)
	switch {
	case err != nil:
		return User{}, fmt.Errorf("read user %s for a legacy token: %w", id, pg.Fault(err))
	case u == nil:
		return User{}, s.goneOrUnknown(ctx, id)
	}
	return *u, nil
}

func fromLegacyRow(row db.UsersByLegacyTokensRow) User {
	u := FromRow(db.UserByIDRow{
		ID: row.ID, FirebaseUID: row.FirebaseUID, AuthProvider: row.AuthProvider, Username: row.Username, Email: row.Email,
		UserType: row.UserType, IsActive: row.IsActive, TokenBalance: row.TokenBalance, FederationStatus: row.FederationStatus,
		TokensValidAfter: row.TokensValidAfter, LastLogin: row.LastLogin, CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt,
		EmailProvenAt: row.EmailProvenAt, EmailProvenBy: row.EmailProvenBy,
	})
	u.LegacyTokensValidAfter, u.EndedSessions = revocation(row.LegacyTokensValidAfter), row.EndedSessions
	return u
}

func (s *Store) goneOrUnknown(ctx context.Context, id uuid.UUID) error {
	deleted, err := s.queries.DeletedByID(ctx, s.pool, id)
	switch {
	case err != nil:
		return fmt.Errorf("look for the tombstone of user %s: %w", id, pg.Fault(err))
	case deleted:
		return ErrRevoked
	}
	return token.ErrMalformed.With(ErrNotFound)
}

// Rename changes the username. Errors: ErrInvalidUsername, ErrUsernameTaken, ErrNotFound.
func (s *Store) Rename(ctx context.Context, id uuid.UUID, typed string) (User, error) {
	name, err := ValidUsername(typed)
	if err != nil {
		return User{}, err
	}
	row, err := s.queries.ChangeUsername(ctx, s.pool, db.ChangeUsernameParams{ID: id, Username: name})
	switch {
	case pg.UniqueViolation(err) == usernameKey:
		return User{}, ErrUsernameTaken
	case pg.NoRows(err):
		return s.ByID(ctx, id) // that is the name already, and nobody need hear of it
	case err != nil:
		return User{}, fmt.Errorf("rename user %s: %w", id, pg.Fault(err))
	}
	s.onChange(ctx, id)
	return FromRow(db.UserByIDRow(row)), nil
}

// RevokeTokens ends every session that began before the next whole second, by the clock that dated it, and the session that asks (T4;
// the zero Claims where no token asks). Firebase ends them too, as soon as it can be told (S3).
func (s *Store) RevokeTokens(ctx context.Context, id uuid.UUID, asking token.Claims) error {
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := RevokeTokens(ctx, tx, id, Ending(s.clocks, asking)); err != nil {
			return err
		}
		return s.enqueueSync(ctx, tx, id)
	})
	if pg.NoRows(err) {
		return ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("revoke the tokens of user %s: %w", id, pg.Fault(err))
	}
	s.onChange(ctx, id)
	return nil
}

// RevokeTokens ends the sessions of a row in the transaction of what they end with. pgx.ErrNoRows where there is no row.
func RevokeTokens(ctx context.Context, tx pgx.Tx, id uuid.UUID, e clock.Ending) error {
	_, err := db.New().RevokeTokens(ctx, tx, db.RevokeTokensParams{
		ID: id, IssuedUntil: e.FirebaseUntil, FirebaseLead: e.FirebaseLead, LegacyLead: e.LegacyLead,
	})
	if err != nil {
		return err
	}
	return EndLegacySessions(ctx, tx, id, e)
}

// Delete removes the row and leaves a tombstone, so that no token of its sessions makes a new row (F10). elsewhere deletes
// what belongs to the row outside of the database; it runs when nothing here can refuse any more and before the commit, so
// that a refusal of either side leaves both as they were. It holds a connection meanwhile, so only a few run at once.
// Deleting twice is the same as once. asking is the session that asks, as for RevokeTokens. ErrAnotherAccount where the row has another
// account by now than u says, ErrRevoked or ErrDeactivated where the row does not admit asking any more: nothing was deleted, and elsewhere
// was not asked.
func (s *Store) Delete(ctx context.Context, u User, asking token.Claims, elsewhere func(ctx context.Context, tx pgx.Tx) error) error {
	leave, err := s.waitOutside(ctx)
	if err != nil {
		return err
	}
	defer leave()
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error { return s.deleteIn(ctx, tx, u, asking, elsewhere) })
	if err != nil {
		return fmt.Errorf("delete user %s: %w", u.ID, pg.Fault(err))
	}
	s.onChange(ctx, u.ID)
	return nil
}

// ErrAnotherAccount says that a row got an account at Firebase, or lost one, while it was about to be deleted.
var ErrAnotherAccount = fault.Unavailable("this account is being changed; try again", nil)

// holdToDelete locks the row. It sees that u names the account that goes with it, since a link or a move may have given it one after it was
// read, and that nothing has ended the session that asks. Without an asking session only the account counts.
func (s *Store) holdToDelete(ctx context.Context, tx pgx.Tx, u User, asking token.Claims) error {
	row, err := s.queries.HoldToDelete(ctx, tx, u.ID)
	if pg.NoRows(err) {
		return nil
	}
	if err != nil {
		return err
	}
	own := u.ID.String() // the account of a move that is under way, or came to nothing
	if (row.FirebaseUID != u.FirebaseUID || row.Moving) && (row.FirebaseUID != "" || u.FirebaseUID != own) {
		return ErrAnotherAccount
	}
	if asking.AuthTime.IsZero() {
		return nil
	}
	held, err := s.queries.UsersByLegacyTokens(ctx, tx, []uuid.UUID{u.ID})
	if err != nil || len(held) == 0 {
		return err
	}
	return fromLegacyRow(held[0]).Admit(asking)
}

func (s *Store) deleteIn(
	ctx context.Context, tx pgx.Tx, u User, asking token.Claims, elsewhere func(ctx context.Context, tx pgx.Tx) error,
) error {
	if err := s.holdToDelete(ctx, tx, u, asking); err != nil {
		return err
	}
	if err := s.queries.DeleteUser(ctx, tx, u.ID); err != nil {
		return err
	}
	err := audit.Record(ctx, tx, audit.Event{
		Action: "user.deleted", Actor: "user:" + u.ID.String(), UserID: u.ID, RequestID: telemetry.RequestID(ctx),
	})
	if err != nil {
		return err
	}
	if err := elsewhere(ctx, tx); err != nil {
		return err
	}
	e := Ending(s.clocks, asking) // last: no session can begin after its instant any more
	stone := db.InsertTombstoneParams{UserID: u.ID, IssuedUntil: e.FirebaseUntil, FirebaseLead: e.FirebaseLead}
	if u.FirebaseUID != "" {
		stone.FirebaseUID = &u.FirebaseUID
	}
	return s.queries.InsertTombstone(ctx, tx, stone)
}
