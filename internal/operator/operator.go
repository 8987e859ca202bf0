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

// Refusals of an operator, decided on the rows.
var (
	ErrNotAdmin   = fault.New(fault.Forbidden, "you are no admin any more")
	ErrKeyRevoked = fault.New(fault.Forbidden, "this API key was revoked")
)

// Operator names the operator of an act. With neither Admin nor Key there is nothing to decide: the command line and the service itself.
type Operator struct {
	Actor string    // as the audit names the operator
	Admin uuid.UUID // the admin's own row; uuid.Nil for a service
	Key   string    // the public id of the service's API key; "" for a person
}

// ByActor names the operator that the audit's text for an actor means, for what is finished in their name later.
func ByActor(actor string) Operator {
	by := Operator{Actor: actor}
	kind, id, _ := strings.Cut(actor, ":")
	switch kind {
	case "user":
		by.Admin, _ = uuid.Parse(id) // the text is this service's own
	case "key":
		by.Key = id
	}
	return by
}

// Hold locks the rows of these users and the operator's own, in one order, until the transaction ends, and returns the ids that
// exist. A demotion, deactivation or revocation that was answered before is seen; a later one waits for this transaction. Errors:
// ErrNotAdmin, ErrKeyRevoked, or the database's.
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
