package user

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/token"
)

// T4: no token moves a revocation further than a verified one may be ahead, and every one moves it as far as itself.
func TestIssuedUntil_IsBounded_T4(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{
		"an old token": -time.Hour, "one of now": 0, "one a little ahead": 50 * time.Second, "one that nobody verified": 8000 * 24 * time.Hour,
	} {
		before := time.Now()
		authTime := before.Add(ahead)
		got := IssuedUntil(authTime)
		if latest := time.Now().Add(tokenSkew); got.After(latest) || got.Before(before) || ahead <= tokenSkew && got.Before(authTime) {
			t.Errorf("%s: %s, expected now to a minute ahead (%s)", name, got.Sub(before), ahead)
		}
	}
	if got := IssuedUntil(time.Time{}); time.Since(got).Abs() > time.Minute {
		t.Errorf("no token: %s", got)
	}
}

// T4: whichever of the two clocks is behind, a revocation ends every session that either of them has begun, and a session that begins
// after it is good. The machine's clock is moved against the database's, which differ by as much the other way round.
func TestRevocations_CoverBothClocks_T4(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	queries := db.New()
	id := func(t *testing.T) uuid.UUID {
		t.Helper()
		id := uuid.New()
		if _, err := pool.Exec(t.Context(), `INSERT INTO auth.users (id, email, firebase_uid, auth_provider, password_hash, username)
			VALUES ($1, $1::uuid::text || '@example.com', $1::uuid::text, 'hybrid', 'x', $1::uuid::text)`, id); err != nil {
			t.Fatal(err)
		}
		return id
	}
	for name, revoke := range map[string]func(id uuid.UUID, until time.Time) error{
		"logout": func(id uuid.UUID, until time.Time) error {
			_, err := queries.RevokeTokens(t.Context(), pool, db.RevokeTokensParams{ID: id, IssuedUntil: until})
			return err
		},
		"deactivation": func(id uuid.UUID, until time.Time) error {
			if _, err := queries.Deactivate(t.Context(), pool, db.DeactivateParams{ID: id, IssuedUntil: until}); err != nil {
				return err
			}
			_, err := pool.Exec(t.Context(), "UPDATE auth.users SET is_active = true WHERE id = $1", id)
			return err
		},
		"reactivation": func(id uuid.UUID, until time.Time) error {
			if _, err := pool.Exec(t.Context(), "UPDATE auth.users SET is_active = false WHERE id = $1", id); err != nil {
				return err
			}
			_, err := queries.Reactivate(t.Context(), pool, db.ReactivateParams{ID: id, IssuedUntil: until})
			return err
		},
		"revoke-tokens": func(id uuid.UUID, until time.Time) error {
			_, err := queries.EndSessions(t.Context(), pool, db.EndSessionsParams{ID: id, IssuedUntil: until})
			return err
		},
		"a new password at Firebase": func(id uuid.UUID, until time.Time) error {
			_, err := queries.PasswordChangedAtFirebase(t.Context(), pool, db.PasswordChangedAtFirebaseParams{ID: id, PasswordHash: "y", IssuedUntil: until})
			return err
		},
		"a new local password": func(id uuid.UUID, until time.Time) error {
			if _, err := pool.Exec(t.Context(), "UPDATE auth.users SET auth_provider = 'local' WHERE id = $1", id); err != nil {
				return err
			}
			_, err := queries.SetLocalPassword(t.Context(), pool, db.SetLocalPasswordParams{ID: id, PasswordHash: "y", OldPasswordHash: "x", IssuedUntil: until})
			return err
		},
	} {
		for _, ahead := range []time.Duration{0, 2 * time.Second, -2 * time.Second, 5 * time.Minute, -5 * time.Minute, 24 * time.Hour, -24 * time.Hour} {
			person := id(t)
			machine := time.Now().Add(ahead)
			if err := revoke(person, machine); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			row, err := queries.UserByID(t.Context(), pool, person)
			if err != nil {
				t.Fatal(err)
			}
			u, latest := FromRow(row), machine.Truncate(time.Second)
			if now := time.Now().Truncate(time.Second); now.After(latest) {
				latest = now.Add(-time.Second) // the statement may have run a second ago
			}
			if err := u.Admit(token.Claims{Kind: token.KindFirebase, AuthTime: latest}); !errors.Is(err, ErrRevoked) {
				t.Errorf("T4: %s with the machine %s ahead: a session of %s is let in: %v", name, ahead, latest, err)
			}
			begun, err := queries.BeginLegacySession(t.Context(), pool, db.BeginLegacySessionParams{
				ID: uuid.New(), UserID: person, Seed: []byte("seed"), LifeSeconds: 60, BegunAt: machine.Add(3 * time.Second),
			})
			if ahead > 0 && (err != nil || u.Admit(token.Claims{Kind: token.KindLegacy, AuthTime: begun.BeganAt}) != nil) {
				t.Errorf("T4: %s with the machine %s ahead: a session after it began at %s (%v)", name, ahead, begun.BeganAt, err)
			}
		}
	}
}
