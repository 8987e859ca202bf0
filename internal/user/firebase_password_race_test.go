package user

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/pg"
)

// A return that has not committed yet holds the row, and its hash is forgotten too.
func TestSetAside_ForgetsWhatAReturnKeepsMeanwhile_F3_M7(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	config, err := s.HashConfigID(t.Context(), "p", 0, aHash().Config)
	if err != nil {
		t.Fatal(err)
	}
	id := s.providedBy(t, "local", map[string]any{"password_hash": "!"})
	returning, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = returning.Rollback(t.Context()) }()
	batch := []FirebasePassword{{UserID: id, Hash: aHash(), SetAt: time.Now(), ReadAt: time.Now()}}
	if kept, err := s.KeepFirebasePasswords(t.Context(), returning, config, batch); err != nil || len(kept) != 1 {
		t.Fatalf("%d passwords are kept, %v", len(kept), err)
	}
	done := make(chan error, 1)
	go func() { done <- s.setAsideAlone(t, id) }()
	s.waitForALock(t)
	if err := returning.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if s.keeps(t, id) {
		t.Error("F3: Firebase's hash outlives what set the password aside")
	}
}

func (s *Store) setAsideAlone(t *testing.T, id uuid.UUID) error {
	u, err := s.ByID(t.Context(), id)
	if err != nil {
		return err
	}
	return pg.InTx(t.Context(), s.pool, func(tx pgx.Tx) error { return s.setAside(t.Context(), tx, u, "a test") })
}

func (s *Store) waitForALock(t *testing.T) {
	t.Helper()
	for range 200 {
		var waiting bool
		err := s.pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)
			WHERE NOT granted AND datname = current_database())`).Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
		if waiting {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("no transaction waits for the row")
}

func (s *Store) keeps(t *testing.T, id uuid.UUID) (kept bool) {
	t.Helper()
	err := s.pool.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM auth.firebase_passwords WHERE user_id = $1)", id).Scan(&kept)
	if err != nil {
		t.Fatal(err)
	}
	return kept
}
