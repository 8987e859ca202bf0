package e2e

import (
	"bytes"
	"maps"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
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

// bringHome keeps Firebase's hash of a password beside a local row.
func bringHome(t testing.TB, s *servicetest.Stack, id uuid.UUID, c identity.HashConfig, password string) {
	t.Helper()
	salt := id[:10]
	hash, err := c.Hash(password, salt)
	if err != nil {
		t.Fatal(err)
	}
	execute(t, s, `WITH config AS (
			INSERT INTO auth.firebase_hash_configs (project, version, algorithm, signer_key, salt_separator, rounds, memory_cost)
			VALUES ('e2e', 0, 'SCRYPT', $2, $3, $4, $5)
			ON CONFLICT ON CONSTRAINT firebase_hash_configs_key DO UPDATE SET project = excluded.project RETURNING id
		)
		INSERT INTO auth.firebase_passwords (user_id, config_id, hash, salt, local_hash, password_set_at)
		SELECT users.id, config.id, $6, $7, users.password_hash, now() FROM auth.users CROSS JOIN config WHERE users.id = $1`,
		id, c.SignerKey, c.SaltSeparator, c.Rounds, c.MemoryCost, hash, salt)
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
