package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
	"auth-v2-service/internal/user"
)

// firebasePassword is what a returned user set at Firebase. The local one is servicetest.Password.
const firebasePassword = "SetAtFirebase123"

// cheapScrypt spares the tests Firebase's usual work.
var cheapScrypt = identity.HashConfig{
	Algorithm: "SCRYPT", SignerKey: bytes.Repeat([]byte("signer key "), 6)[:64], SaltSeparator: []byte{7}, Rounds: 8, MemoryCost: 8,
}

// returnedUser inserts a returned user with a password from Firebase.
func returnedUser(t testing.TB, s *servicetest.Stack, email string, changes ...map[string]any) uuid.UUID {
	t.Helper()
	columns := map[string]any{"firebase_uid": newUID(), "password_set_at": time.Now().Add(-time.Hour)}
	for _, change := range changes {
		maps.Copy(columns, change)
	}
	id := localUser(t, s, email, servicetest.Password, columns)
	bringHome(t, s, id, cheapScrypt, firebasePassword)
	return id
}

// bringHome keeps Firebase's hash of a password beside a local row, as a return does.
func bringHome(t testing.TB, s *servicetest.Stack, id uuid.UUID, c identity.HashConfig, password string) {
	t.Helper()
	hash, err := c.Hash(password, id[:10])
	if err != nil {
		t.Fatal(err)
	}
	keepHash(t, s, c, user.FirebasePassword{UserID: id, Hash: hash, Salt: id[:10], SetAt: time.Now(), ReadAt: time.Now()})
}

func keepHash(t testing.TB, s *servicetest.Stack, c identity.HashConfig, p user.FirebasePassword) {
	t.Helper()
	if err := pgx.BeginFunc(t.Context(), s.DB, func(tx pgx.Tx) error { return keepIn(t, s, tx, c, p) }); err != nil {
		t.Fatal(err)
	}
}

func keepIn(t testing.TB, s *servicetest.Stack, tx pgx.Tx, c identity.HashConfig, p user.FirebasePassword) error {
	t.Helper()
	users := user.NewStore(user.Options{Pool: s.DB})
	config, err := users.HashConfigID(t.Context(), user.HashConfig{
		Project: "e2e", SignerKey: c.SignerKey, SaltSeparator: c.SaltSeparator, Rounds: int32(c.Rounds), MemoryCost: int32(c.MemoryCost),
	})
	if err != nil {
		return err
	}
	kept, err := users.KeepFirebasePasswords(t.Context(), tx, config, []user.FirebasePassword{p})
	if err == nil && len(kept) != 1 {
		err = fmt.Errorf("the password of user %s is not kept", p.UserID)
	}
	return err
}

func keptFromFirebase(t testing.TB, s *servicetest.Stack, id uuid.UUID) bool {
	t.Helper()
	return count(t, s, "auth.firebase_passwords WHERE user_id = $1", id) == 1
}

func localHash(t testing.TB, s *servicetest.Stack, id uuid.UUID) (hash string) {
	t.Helper()
	if err := s.DB.QueryRow(t.Context(), "SELECT password_hash FROM auth.users WHERE id = $1", id).Scan(&hash); err != nil {
		t.Fatal(err)
	}
	return hash
}
