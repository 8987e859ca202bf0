package user

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/password"
	"auth-v2-service/internal/pg"
)

func aHash() password.ScryptHash {
	return password.ScryptHash{Config: password.ScryptConfig{SignerKey: make([]byte, 64), Rounds: 8, MemoryCost: 14}, Hash: make([]byte, 64)}
}

// Before the database, which would only say that a constraint is violated.
func TestKeepFirebasePasswords_WhatFirebaseDoesNotMake(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	bad := aHash()
	bad.Config.MemoryCost = 15
	if _, err := s.HashConfigID(t.Context(), "p", 0, bad.Config); !errors.Is(err, password.ErrBadScrypt) {
		t.Errorf("a memory cost of 15 is answered %v", err)
	}
	bad = aHash()
	bad.Hash = bad.Hash[:63]
	err := pg.InTx(t.Context(), s.pool, func(tx pgx.Tx) error {
		_, err := s.KeepFirebasePasswords(t.Context(), tx, uuid.New(), []FirebasePassword{{UserID: uuid.New(), Hash: bad}})
		return err
	})
	if !errors.Is(err, password.ErrBadScrypt) {
		t.Errorf("a hash of 63 bytes is answered %v", err)
	}
}

func (s *Store) keep(t *testing.T, config uuid.UUID, batch []FirebasePassword) (kept []uuid.UUID) {
	t.Helper()
	err := pg.InTx(t.Context(), s.pool, func(tx pgx.Tx) (err error) {
		kept, err = s.KeepFirebasePasswords(t.Context(), tx, config, batch)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return kept
}

func (s *Store) providedBy(t *testing.T, provider any, columns map[string]any) uuid.UUID {
	t.Helper()
	id := s.linkedRow(t, columns)
	s.exec(t, "UPDATE auth.users SET auth_provider = $2 WHERE id = $1", id, provider)
	return id
}

func TestKeepFirebasePasswords_TheLaterPasswordCounts_M7_A7(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	now := time.Now().Truncate(time.Microsecond)
	config, err := s.HashConfigID(t.Context(), "a-project", 3, aHash().Config)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.HashConfigID(t.Context(), "a-project", 3, aHash().Config); err != nil || again != config {
		t.Errorf("the same parameters have the ids %s and %s (%v)", config, again, err)
	}
	if other, err := s.HashConfigID(t.Context(), "a-project", 4, aHash().Config); err != nil || other == config {
		t.Errorf("another version has the same id (%v)", err)
	}
	var batch []FirebasePassword
	wanted := map[uuid.UUID]string{}
	for what, row := range map[string]struct {
		columns map[string]any
		keeps   bool
	}{
		"an older local password":          {map[string]any{"password_set_at": now.Add(-time.Hour)}, true},
		"a local password without a time":  {nil, true},
		"no usable password":               {map[string]any{"password_hash": "!", "password_set_at": now.Add(time.Minute)}, true},
		"none since the export was read":   {map[string]any{"password_hash": "!", "password_set_at": now.Add(time.Hour)}, false},
		"a local password as new":          {map[string]any{"password_set_at": now}, false},
		"a newer local password":           {map[string]any{"password_set_at": now.Add(time.Hour)}, false},
		"still at Firebase":                {map[string]any{"auth_provider": "hybrid"}, false},
		"in a move":                        {map[string]any{"federation_status": "syncing"}, false},
		"no provider, which means a local": {map[string]any{"auth_provider": nil}, true},
	} {
		columns := map[string]any{"auth_provider": "local", "password_hash": "x"}
		maps.Copy(columns, row.columns)
		provider := columns["auth_provider"]
		delete(columns, "auth_provider")
		id := s.providedBy(t, provider, columns)
		batch = append(batch, FirebasePassword{UserID: id, Hash: aHash(), SetAt: now, ReadAt: now.Add(time.Hour)})
		if row.keeps {
			wanted[id] = what
		}
	}
	batch = append(batch, FirebasePassword{UserID: uuid.New(), Hash: aHash(), SetAt: now, ReadAt: now.Add(time.Hour)})
	for range 2 {
		kept := s.keep(t, config, batch)
		if len(kept) != len(wanted) {
			t.Errorf("A7: %d passwords are kept, expected %d", len(kept), len(wanted))
		}
		for id, what := range wanted {
			if !slices.Contains(kept, id) {
				t.Errorf("M7: not kept beside %s", what)
			}
		}
	}
}

func TestKeepFirebasePasswords_WhatWasSetAsideStaysSo_F3_M7(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	config, err := s.HashConfigID(t.Context(), "p", 0, aHash().Config)
	if err != nil {
		t.Fatal(err)
	}
	for setAt, keeps := range map[time.Duration]bool{-time.Minute: false, time.Minute: true} {
		for _, local := range []string{"!", "x"} {
			id := s.providedBy(t, "local", map[string]any{"password_hash": "y"})
			if err := s.setAsideAlone(t, id); err != nil {
				t.Fatal(err)
			}
			s.exec(t, "UPDATE auth.users SET password_hash = $2 WHERE id = $1", id, local)
			at := time.Now().Add(setAt)
			kept := s.keep(t, config, []FirebasePassword{{UserID: id, Hash: aHash(), SetAt: at, ReadAt: at.Add(time.Hour)}})
			if (len(kept) == 1) != keeps {
				t.Errorf("F3: a password set %s after the row's was set aside: kept are %v beside %q", setAt, kept, local)
			}
		}
	}
}

func TestKeepFirebasePasswords_BatchesAtOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	config, err := s.HashConfigID(t.Context(), "p", 0, aHash().Config)
	if err != nil {
		t.Fatal(err)
	}
	var batch []FirebasePassword
	for range 50 {
		id := s.providedBy(t, "local", map[string]any{"password_hash": "x"})
		batch = append(batch, FirebasePassword{UserID: id, Hash: aHash(), SetAt: time.Now(), ReadAt: time.Now()})
	}
	reversed := slices.Clone(batch)
	slices.Reverse(reversed)
	done := make(chan int, 8)
	for i := range 8 {
		go func() { done <- len(s.keep(t, config, [][]FirebasePassword{batch, reversed}[i%2])) }()
	}
	for range 8 {
		if n := <-done; n != 50 {
			t.Errorf("%d passwords are kept, expected 50", n)
		}
	}
}
