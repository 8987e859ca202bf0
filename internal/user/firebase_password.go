package user

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/pg"
)

// HashConfig holds the parameters of Firebase's scrypt in one version of a project. SignerKey is a secret.
type HashConfig struct {
	Project       string
	Version       int32
	SignerKey     []byte `json:"-"`
	SaltSeparator []byte
	Rounds        int32
	MemoryCost    int32
}

// FirebasePassword is a password as Firebase exported it. ReadAt is when the export was asked for. Both times are by Firebase's clock.
type FirebasePassword struct {
	UserID uuid.UUID
	Hash   []byte
	Salt   []byte
	SetAt  time.Time
	ReadAt time.Time
}

// HashConfigID stores the parameters once and returns their id.
func (s *Store) HashConfigID(ctx context.Context, c HashConfig) (uuid.UUID, error) {
	params := db.MakeHashConfigParams{
		Project: c.Project, Version: c.Version, SignerKey: c.SignerKey, SaltSeparator: notNil(c.SaltSeparator),
		Rounds: c.Rounds, MemoryCost: c.MemoryCost,
	}
	if err := s.queries.MakeHashConfig(ctx, s.pool, params); err != nil {
		return uuid.Nil, fmt.Errorf("store a hash config of project %s: %w", c.Project, pg.Fault(err))
	}
	id, err := s.queries.FirebaseHashConfig(ctx, s.pool, db.FirebaseHashConfigParams(params))
	if err != nil {
		return uuid.Nil, fmt.Errorf("read a hash config of project %s: %w", c.Project, pg.Fault(err))
	}
	return id, nil
}

// KeepFirebasePasswords stores a batch in tx, after the statement that made the rows local (M7). It returns the users that sign in with
// Firebase's password now. Rows stay as they are that are not local, or have a local password as new (A7), or lost theirs after Firebase's was
// read or set (F3). A user may stand in a batch once.
func (s *Store) KeepFirebasePasswords(ctx context.Context, tx pgx.Tx, config uuid.UUID, batch []FirebasePassword) ([]uuid.UUID, error) {
	p := db.KeepFirebasePasswordsParams{ConfigID: config}
	for _, password := range batch {
		p.UserIds, p.Hashes = append(p.UserIds, password.UserID), append(p.Hashes, password.Hash)
		p.Salts, p.PasswordSetAts = append(p.Salts, notNil(password.Salt)), append(p.PasswordSetAts, password.SetAt)
		p.ReadAts = append(p.ReadAts, password.ReadAt)
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
