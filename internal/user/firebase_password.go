package user

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/password"
	"auth-v2-service/internal/pg"
)

// FirebasePassword is a password as Firebase exported it. ReadAt is when the export was asked for. Both times are by Firebase's clock.
type FirebasePassword struct {
	UserID uuid.UUID
	Hash   password.ScryptHash
	SetAt  time.Time
	ReadAt time.Time
}

// HashConfigID stores the parameters of a project's version once and returns their id, or password.ErrBadScrypt.
func (s *Store) HashConfigID(ctx context.Context, project string, version int32, c password.ScryptConfig) (uuid.UUID, error) {
	if err := c.Check(); err != nil {
		return uuid.Nil, fmt.Errorf("the hash config of project %s: %w", project, err)
	}
	params := db.MakeHashConfigParams{
		Project: project, Version: version, SignerKey: c.SignerKey, SaltSeparator: notNil(c.SaltSeparator),
		Rounds: int32(c.Rounds), MemoryCost: int32(c.MemoryCost), //nolint:gosec // checked
	}
	if err := s.queries.MakeHashConfig(ctx, s.pool, params); err != nil {
		return uuid.Nil, fmt.Errorf("store a hash config of project %s: %w", project, pg.Fault(err))
	}
	id, err := s.queries.FirebaseHashConfig(ctx, s.pool, db.FirebaseHashConfigParams(params))
	if err != nil {
		return uuid.Nil, fmt.Errorf("read a hash config of project %s: %w", project, pg.Fault(err))
	}
	return id, nil
}

// KeepFirebasePasswords stores a batch in tx, after the statement that made the rows local (M7). It returns the users that sign in with
// Firebase's password now. Rows stay as they are that are not local, or have a local password as new (A7), or lost theirs after Firebase's was
// read or set (F3). A user may stand in a batch once. A hash that Firebase does not make is password.ErrBadScrypt.
func (s *Store) KeepFirebasePasswords(ctx context.Context, tx pgx.Tx, config uuid.UUID, batch []FirebasePassword) ([]uuid.UUID, error) {
	p := db.KeepFirebasePasswordsParams{ConfigID: config}
	for _, brought := range batch {
		if err := brought.Hash.Check(); err != nil {
			return nil, fmt.Errorf("the password of user %s from Firebase: %w", brought.UserID, err)
		}
		p.UserIds, p.Hashes = append(p.UserIds, brought.UserID), append(p.Hashes, brought.Hash.Hash)
		p.Salts, p.PasswordSetAts = append(p.Salts, notNil(brought.Hash.Salt)), append(p.PasswordSetAts, brought.SetAt)
		p.ReadAts = append(p.ReadAts, brought.ReadAt)
	}
	kept, err := s.queries.KeepFirebasePasswords(ctx, tx, p)
	if err != nil {
		return nil, fmt.Errorf("keep the passwords of %d users from Firebase: %w", len(batch), err)
	}
	return kept, nil
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
