package user

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/token"
)

// ErrLinkRequired says that the e-mail alone proves no ownership (F3).
var ErrLinkRequired = fault.New(fault.AccountLinkRequired,
	"this e-mail belongs to an account that must be linked first; prove its password")

const uidIndex = "idx_users_firebase_uid"

// LinkPolicy decides when an e-mail links a row (F3).
type LinkPolicy struct {
	// Providers have a trusted email_verified.
	Providers []string
	// Linking an unverified address sets the password aside and ends legacy sessions: a squatter must not stay inside.
	PlatformVerified PlatformVerified
}

// PlatformVerified is LEGACY_EMAIL_VERIFIED. The zero value trusts nothing.
type PlatformVerified struct {
	Trust  bool   // all are verified
	Column string // or: a boolean column
}

func (s *Store) linkByEmail(ctx context.Context, row User, id identity) (User, Sight, error) {
	if !s.provesAddress(id) || row.Type == TypeAdmin {
		return User{}, SightRefused, ErrLinkRequired
	}
	var linked User
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		u, err := s.linkIn(ctx, tx, row, id)
		linked = u
		return err
	})
	if pg.NoRows(err) || pg.UniqueViolation(err) == uidIndex {
		return User{}, SightRefused, errRaced // linked meanwhile, or became an admin's
	}
	if err != nil {
		return User{}, SightRefused, fmt.Errorf("link to user %s: %w", row.ID, err)
	}
	s.onChange(ctx, linked.ID)
	return linked, SightLinked, nil
}

// LinkProven links a row after a check of its password (F3), an admin's too: firebaseHash is what was proved where it wins over provedHash (M7).
// The row keeps both. ErrIdentityConflict: the row, the account or a hash has changed.
func (s *Store) LinkProven(ctx context.Context, claims token.Claims, rowID uuid.UUID, provedHash string, firebaseHash []byte) (User, error) {
	id, err := identityOf(claims)
	if err != nil {
		return User{}, err
	}
	var linked User
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := s.queries.LockUser(ctx, tx, rowID); err != nil {
			return err
		}
		at, by, err := s.proofOfLink(ctx, tx, rowID, id)
		if err != nil {
			return err
		}
		row, err := s.queries.LinkIdentity(ctx, tx, db.LinkIdentityParams{
			ID: rowID, Email: id.email, FirebaseUID: id.uid, KeepPassword: true, AdminToo: true, ProviderData: id.providerData,
			ProvedHash: &provedHash, FirebaseHash: firebaseHash,
			Seen: id.seen, ProvenAt: at, ProvenBy: by,
		})
		if err != nil {
			return err
		}
		linked = FromRow(row.User())
		return audit.Record(ctx, tx, audit.Event{
			Action: "user.linked", Actor: id.actor, UserID: rowID, RequestID: telemetry.RequestID(ctx),
			Details: map[string]any{"provider": id.provider, "password_kept": true, "proof": "password"},
		})
	})
	if pg.NoRows(err) || pg.UniqueViolation(err) == uidIndex {
		return User{}, ErrIdentityConflict.With(err)
	}
	if err != nil {
		return User{}, fmt.Errorf("link to user %s: %w", rowID, pg.Fault(err))
	}
	s.onSight(SightLinked)
	s.onChange(ctx, linked.ID)
	return linked, nil
}

func (s *Store) proofOfLink(ctx context.Context, tx pgx.Tx, rowID uuid.UUID, id identity) (at *time.Time, by *string, err error) {
	if by = s.provenBy(id); by != nil {
		return &id.authTime, by, nil
	}
	row, err := s.queries.UserByID(ctx, tx, rowID)
	if err != nil {
		return nil, nil, err
	}
	vouched, err := s.vouched(ctx, tx, FromRow(row))
	if err != nil || !vouched {
		return nil, nil, err
	}
	return new(time.Now()), nil, nil
}

func (s *Store) provenBy(id identity) *string {
	if id.email == "" || !s.provesAddress(id) {
		return nil
	}
	return &id.provider
}

func (s *Store) provesAddress(id identity) bool {
	return id.emailVerified && slices.Contains(s.link.Providers, id.provider)
}

func (s *Store) linkIn(ctx context.Context, tx pgx.Tx, row User, id identity) (User, error) {
	keep, err := s.addressVerified(ctx, tx, row)
	if err != nil {
		return User{}, err
	}
	if !keep {
		if err := s.setAside(ctx, tx, row, "linked to an address that the platform never verified"); err != nil {
			return User{}, err
		}
	}
	linked, err := s.queries.LinkIdentity(ctx, tx, db.LinkIdentityParams{
		ID: row.ID, Email: id.email, FirebaseUID: id.uid, KeepPassword: keep, ProviderData: id.providerData,
		Seen: id.seen, ProvenAt: &id.authTime, ProvenBy: &id.provider,
	})
	if err != nil {
		return User{}, err
	}
	if !keep {
		if err := EndLegacySessions(ctx, tx, row.ID, s.clocks.Ending(time.Time{}, time.Time{})); err != nil {
			return User{}, err
		}
	}
	return FromRow(linked.User()), audit.Record(ctx, tx, audit.Event{
		Action: "user.linked", Actor: id.actor, UserID: row.ID, RequestID: telemetry.RequestID(ctx),
		Details: map[string]any{"provider": id.provider, "password_kept": keep},
	})
}

func (s *Store) addressVerified(ctx context.Context, tx pgx.Tx, row User) (bool, error) {
	policy := s.link.PlatformVerified
	return s.queries.AddressVerifiedByPlatform(ctx, tx, db.AddressVerifiedByPlatformParams{
		ID: row.ID, Trust: policy.Trust, ColumnName: policy.Column,
	})
}
