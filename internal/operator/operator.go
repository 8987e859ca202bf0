package operator

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/pg"
)

// Refusals.
var (
	ErrNotAdmin   = fault.New(fault.Forbidden, "you are no admin any more")
	ErrKeyRevoked = fault.New(fault.Forbidden, "this API key was revoked")
)

// Operator is an admin, a key, or neither (CLI, system).
type Operator struct {
	Actor string
	Admin uuid.UUID
	Key   string
}

// ByActor parses an audit actor.
func ByActor(actor string) Operator {
	by := Operator{Actor: actor}
	kind, id, _ := strings.Cut(actor, ":")
	switch kind {
	case "user":
		by.Admin, _ = uuid.Parse(id)
	case "key":
		by.Key = id
	}
	return by
}

// Hold locks the key, then these rows and the operator's own in one order, and returns the existing ids. Errors: ErrNotAdmin,
// ErrKeyRevoked.
func Hold(ctx context.Context, tx db.DBTX, by Operator, users ...uuid.UUID) (held []uuid.UUID, err error) {
	if by.Key != "" {
		if _, err := db.New().HoldAPIKey(ctx, tx, by.Key); pg.NoRows(err) {
			return nil, ErrKeyRevoked
		} else if err != nil {
			return nil, err
		}
	}
	if by.Admin != uuid.Nil {
		users = append(slices.Clone(users), by.Admin)
	}
	if len(users) == 0 {
		return nil, nil
	}
	rows, err := db.New().HoldForOperator(ctx, tx, users)
	if err != nil {
		return nil, err
	}
	operates := by.Admin == uuid.Nil
	for _, row := range rows {
		operates = operates || row.ID == by.Admin && row.Operates
		held = append(held, row.ID)
	}
	if !operates {
		return nil, ErrNotAdmin
	}
	return held, nil
}
