package apikey

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
)

const maxName = 100

// Refusals.
var (
	ErrName    = fault.Invalid("a key's name has 1 to 100 characters that can be printed")
	ErrScope   = fault.Invalid("a key's scope is admin, balance or events")
	ErrUnknown = fault.New(fault.NotFound, "there is no API key with this id")
)

// Create makes and audits a key (O4). whole is shown only here.
func Create(ctx context.Context, pool pg.Beginner, name string, scope Scope, actor string) (whole string, key Key, err error) {
	switch {
	case !sayable(name):
		return "", Key{}, ErrName
	case !scope.Known():
		return "", Key{}, ErrScope
	}
	id, whole, hash := mint()
	err = pg.InTx(ctx, pool, func(tx pgx.Tx) error {
		row, err := db.New().CreateAPIKey(ctx, tx, db.CreateAPIKeyParams{ID: id, Name: name, Scope: string(scope), Hash: hash, CreatedBy: actor})
		if err != nil {
			return err
		}
		key = fromRow(db.APIKeyRow(row))
		return record(ctx, tx, "api_key.created", actor, key)
	})
	if err != nil {
		return "", Key{}, fmt.Errorf("create an API key: %w", pg.Fault(err))
	}
	return whole, key, nil
}

// Revoke ends and audits a key (O4). No instance accepts it afterwards (T5). revoked is false where it had ended before. Errors:
// ErrUnknown.
func Revoke(ctx context.Context, pool pg.Beginner, id, actor string) (key Key, revoked bool, err error) {
	if !publicID.MatchString(id) {
		return Key{}, false, ErrUnknown
	}
	err = pg.InTx(ctx, pool, func(tx pgx.Tx) error {
		key, revoked, err = revokeIn(ctx, tx, id, actor)
		return err
	})
	if err != nil {
		return Key{}, false, fmt.Errorf("revoke API key %s: %w", id, pg.Fault(err))
	}
	return key, revoked, nil
}

func revokeIn(ctx context.Context, tx pgx.Tx, id, actor string) (key Key, revoked bool, err error) {
	row, err := db.New().RevokeAPIKey(ctx, tx, db.RevokeAPIKeyParams{ID: id, RevokedBy: actor})
	if err == nil {
		key = fromRow(db.APIKeyRow(row))
		return key, true, record(ctx, tx, "api_key.revoked", actor, key)
	}
	if !pg.NoRows(err) {
		return Key{}, false, err
	}
	before, err := db.New().APIKey(ctx, tx, id)
	if pg.NoRows(err) {
		return Key{}, false, ErrUnknown
	}
	return fromRow(before), false, err
}

// List returns all keys, oldest first.
func List(ctx context.Context, database db.DBTX) ([]Key, error) {
	rows, err := db.New().APIKeys(ctx, database)
	if err != nil {
		return nil, fmt.Errorf("list the API keys: %w", pg.Fault(err))
	}
	keys := make([]Key, len(rows))
	for i, row := range rows {
		keys[i] = fromRow(db.APIKeyRow(row))
	}
	return keys, nil
}

func record(ctx context.Context, tx pgx.Tx, action, actor string, key Key) error {
	return audit.Record(ctx, tx, audit.Event{
		Action: action, Actor: actor, RequestID: telemetry.RequestID(ctx),
		Details: map[string]any{"key": key.ID, "name": key.Name, "scope": key.Scope},
	})
}

func sayable(name string) bool {
	return strings.TrimSpace(name) != "" && utf8.ValidString(name) && utf8.RuneCountInString(name) <= maxName &&
		!strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) })
}
