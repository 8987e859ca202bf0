package account

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/password"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
)

// storedPassword is what a row keeps. A hash that came home from Firebase wins over the local one (M7).
type storedPassword struct {
	hash     *string
	firebase *password.ScryptHash
}

func fromSignIn(row db.SignInCredentialsRow) storedPassword {
	return storedOf(db.UserCredentialsRow{
		PasswordHash: row.PasswordHash, FirebaseHash: row.FirebaseHash, FirebaseSalt: row.FirebaseSalt, SignerKey: row.SignerKey,
		SaltSeparator: row.SaltSeparator, Rounds: row.Rounds, MemoryCost: row.MemoryCost,
	})
}

func storedOf(row db.UserCredentialsRow) storedPassword {
	p := storedPassword{hash: row.PasswordHash}
	if row.FirebaseHash != nil && row.Rounds != nil && row.MemoryCost != nil {
		p.firebase = &password.ScryptHash{
			Hash: row.FirebaseHash, Salt: row.FirebaseSalt,
			Config: password.ScryptConfig{
				SignerKey: row.SignerKey, SaltSeparator: row.SaltSeparator, Rounds: int(*row.Rounds), MemoryCost: int(*row.MemoryCost),
			},
		}
	}
	return p
}

func (p storedPassword) usable() bool {
	return p.firebase != nil || p.hash != nil && *p.hash != unusable
}

func (p storedPassword) firebaseHash() []byte {
	if p.firebase == nil {
		return nil
	}
	return p.firebase.Hash
}

func (p storedPassword) equal(other storedPassword) bool {
	return p.hash != nil && other.hash != nil && *p.hash == *other.hash && bytes.Equal(p.firebaseHash(), other.firebaseHash())
}

// rehash replaces the hash of a proved password from Firebase by bcrypt's, which a move needs. Beyond 72 bytes it stays (A6), and where that
// fails, until the next sign-in. After another change the typed password must fit what the row keeps then.
func (s *Service) rehash(ctx context.Context, id uuid.UUID, proved storedPassword, typed string) (storedPassword, error) {
	if proved.firebase == nil {
		return proved, nil
	}
	hashing, cancel := beforeLegacy(ctx)
	defer cancel()
	hash, err := s.hash(hashing, typed)
	if err == nil && hash == unusable {
		return proved, nil
	}
	replaced := false
	if err == nil {
		replaced, err = s.replaceFirebaseHash(ctx, id, *proved.hash, *proved.firebase, hash)
	}
	if err != nil {
		s.log.WarnContext(ctx, "Firebase's hash is not replaced", telemetry.FieldUserID, id, telemetry.FieldError, pg.Fault(err))
		return proved, nil
	}
	if replaced {
		return storedPassword{hash: &hash}, nil
	}
	row, err := s.queries.UserCredentials(ctx, s.pool, id)
	if err != nil && !pg.NoRows(err) {
		return storedPassword{}, fmt.Errorf("look again at the password of user %s: %w", id, pg.Fault(err))
	}
	now := storedOf(row)
	return now, s.prove(ctx, now, typed)
}

func (s *Service) replaceFirebaseHash(
	ctx context.Context, id uuid.UUID, local string, proved password.ScryptHash, hash string,
) (replaced bool, err error) {
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := s.queries.LockUser(ctx, tx, id); err != nil {
			return err
		}
		set, err := s.queries.RehashFirebasePassword(ctx, tx, db.RehashFirebasePasswordParams{
			ID: id, PasswordHash: hash, OldPasswordHash: local, FirebaseHash: proved.Hash, FirebaseSalt: proved.Salt,
		})
		if pg.NoRows(err) {
			return nil
		}
		if err != nil {
			return err
		}
		replaced = true
		if err := s.intents.Redate(ctx, tx, id, set.FormerSetAt, set.SetAt); err != nil {
			return err
		}
		if err := s.queries.ForgetFirebasePassword(ctx, tx, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Event{
			Action: "user.password_rehashed", Actor: "user:" + id.String(), UserID: id, RequestID: telemetry.RequestID(ctx),
			Details: map[string]any{"from": "firebase_scrypt", "to": "bcrypt"},
		})
	})
	return replaced, err
}

func (s *Service) passwordUnchanged(ctx context.Context, id uuid.UUID, proved storedPassword) error {
	row, err := s.queries.UserCredentials(ctx, s.pool, id)
	if err != nil && !pg.NoRows(err) {
		return fmt.Errorf("look again at the password of user %s: %w", id, pg.Fault(err))
	}
	if !storedOf(row).equal(proved) {
		return ErrInvalidCredentials.With(errors.New("the password was changed meanwhile"))
	}
	return nil
}
