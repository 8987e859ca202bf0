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
	"auth-v2-service/internal/password"
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

// bringHome keeps Firebase's hash of a password of ten minutes ago beside a local row, as a return does.
func bringHome(t testing.TB, s *servicetest.Stack, id uuid.UUID, c identity.HashConfig, typed string) {
	t.Helper()
	hash, err := c.Hash(typed, id[:10])
	if err != nil {
		t.Fatal(err)
	}
	keepHash(t, s, user.FirebasePassword{UserID: id, Hash: keptHash(c, hash, id[:10]), SetAt: time.Now().Add(-10 * time.Minute), ReadAt: time.Now()})
}

func keptHash(c identity.HashConfig, hash, salt []byte) password.ScryptHash {
	return password.ScryptHash{
		Config: password.ScryptConfig{SignerKey: c.SignerKey, SaltSeparator: c.SaltSeparator, Rounds: c.Rounds, MemoryCost: c.MemoryCost},
		Hash:   hash, Salt: salt,
	}
}

func keepHash(t testing.TB, s *servicetest.Stack, p user.FirebasePassword) {
	t.Helper()
	if err := pgx.BeginFunc(t.Context(), s.DB, func(tx pgx.Tx) error { return keepIn(t, s, tx, p) }); err != nil {
		t.Fatal(err)
	}
}

func keepIn(t testing.TB, s *servicetest.Stack, tx pgx.Tx, p user.FirebasePassword) error {
	t.Helper()
	users := user.NewStore(user.Options{Pool: s.DB})
	config, err := users.HashConfigID(t.Context(), "e2e", 0, p.Hash.Config)
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
