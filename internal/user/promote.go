package user

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
)

// Reference names a user by one field.
type Reference struct {
	ID          uuid.UUID
	FirebaseUID string
	Email       string // in any spelling
}

// Named returns the referenced row. Errors: ErrNotFound.
func Named(ctx context.Context, tx db.DBTX, reference Reference) (User, error) {
	row, err := named(ctx, tx, reference)
	if pg.NoRows(err) {
		return User{}, ErrNotFound
	}
	if err != nil {
		return User{}, fmt.Errorf("look up a user: %w", pg.Fault(err))
	}
	return FromRow(row), nil
}

func named(ctx context.Context, tx db.DBTX, reference Reference) (db.UserByIDRow, error) {
	switch {
	case reference.ID != uuid.Nil:
		return db.New().UserByID(ctx, tx, reference.ID)
	case reference.FirebaseUID != "":
		row, err := db.New().UserByFirebaseUID(ctx, tx, reference.FirebaseUID)
		return row.User(), err
	}
	// Old rows may hold invalid addresses.
	row, err := db.New().UserByEmail(ctx, tx, asciiLower(strings.Trim(reference.Email, asciiSpace)))
	return row.User(), err
}

// Promotion is a user_type change.
type Promotion struct {
	User        User
	Before      string // the old user_type
	EmailProven bool
}

// Promote makes a user an admin and audits it (O4). Instances see it when their facts expire (T5).
func Promote(ctx context.Context, pool pg.Beginner, reference Reference, actor string) (Promotion, error) {
	return giveType(ctx, pool, reference, TypeAdmin, "user.promoted", actor)
}

// Demote makes an admin a user.
func Demote(ctx context.Context, pool pg.Beginner, reference Reference, actor string) (Promotion, error) {
	return giveType(ctx, pool, reference, typeUser, "user.demoted", actor)
}

func giveType(ctx context.Context, pool pg.Beginner, reference Reference, userType, action, actor string) (p Promotion, err error) {
	err = pg.InTx(ctx, pool, func(tx pgx.Tx) error {
		p, err = giveTypeIn(ctx, tx, reference, userType)
		if err != nil || p.Before == userType {
			return err
		}
		return audit.Record(ctx, tx, audit.Event{
			Action: action, Actor: actor, UserID: p.User.ID, RequestID: telemetry.RequestID(ctx),
			Details: map[string]any{"user_type": map[string]any{"old": p.Before, "new": userType}},
		})
	})
	if err != nil {
		return Promotion{}, fmt.Errorf("change a user_type: %w", pg.Fault(err))
	}
	return p, nil
}

func giveTypeIn(ctx context.Context, tx pgx.Tx, reference Reference, userType string) (Promotion, error) {
	u, err := Named(ctx, tx, reference)
	if err != nil {
		return Promotion{}, err
	}
	held, err := db.New().HoldUserType(ctx, tx, u.ID)
	if pg.NoRows(err) {
		return Promotion{}, ErrNotFound
	}
	p := Promotion{User: u, Before: or(held.UserType, typeUser), EmailProven: held.EmailProven}
	if err != nil || p.Before == userType {
		return p, err
	}
	row, err := db.New().GiveUserType(ctx, tx, db.GiveUserTypeParams{ID: u.ID, UserType: userType})
	p.User = FromRow(row.User())
	return p, err
}
