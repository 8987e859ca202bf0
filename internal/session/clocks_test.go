package session_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/clock"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/session"
	"auth-v2-service/internal/sleep"
	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

const project = "demo-clocks"

type skews struct{ machine, postgresql, firebase time.Duration }

// PostgreSQL's clock cannot be set: it defines the true time.
type world struct {
	*testing.T
	skews
	pool      *pgxpool.Pool
	here      instance
	elsewhere instance
}

type instance struct {
	clocks   *clock.Clocks
	users    *user.Store
	sessions *session.Service
	verifier *token.Verifier
}

func (w *world) truth() time.Time { return time.Now().Add(-w.postgresql) }

func (w *world) atFirebase() time.Time { return w.truth().Add(w.firebase) }

func newWorld(t *testing.T, databaseURL string, s skews) *world {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	w := &world{T: t, skews: s, pool: pool}
	w.here = w.instance(func() time.Time { return w.truth().Add(s.machine) })
	w.elsewhere = w.instance(w.truth)
	return w
}

func (w *world) instance(machine func() time.Time) instance {
	w.Helper()
	clocks := clock.New(clock.Options{Now: machine})
	for range 3 {
		sent := machine()
		var said time.Time
		if err := w.pool.QueryRow(w.Context(), "SELECT clock_timestamp()").Scan(&said); err != nil {
			w.Fatal(err)
		}
		clocks.ReadPostgreSQL(sent, machine(), said)
	}
	clocks.ReadFirebase(machine(), machine(), http.Header{"Date": {w.atFirebase().UTC().Format(http.TimeFormat)}})
	users := user.NewStore(user.Options{
		Pool: w.pool, OnChange: func(context.Context, uuid.UUID) {}, OnSight: func(user.Sight) {}, Logger: slog.New(slog.DiscardHandler),
		EnqueueSync: func(context.Context, pgx.Tx, uuid.UUID) error { return nil }, Clocks: clocks,
	})
	legacy, err := token.NewLegacy(token.LegacyOptions{
		AccessSecrets: []string{"access"}, RefreshSecrets: []string{"refresh"}, AccessLife: time.Hour, RefreshLife: 12 * time.Hour,
		Clock: clocks.Now,
	})
	if err != nil {
		w.Fatal(err)
	}
	verifier, err := token.NewVerifier(token.VerifierOptions{
		ProjectID: project, AllowUnsigned: true, Legacy: legacy, Clock: clocks.Now, OnVerified: clocks.TokenSeen,
	})
	if err != nil {
		w.Fatal(err)
	}
	return instance{clocks: clocks, users: users, verifier: verifier, sessions: session.New(session.Options{
		Pool: w.pool, Tokens: legacy, Users: users, Life: 12 * time.Hour, OnChange: func(context.Context, uuid.UUID) {}, Clocks: clocks,
	})}
}

func (w *world) person(provider string) uuid.UUID {
	w.Helper()
	id := uuid.New()
	_, err := w.pool.Exec(w.Context(), `INSERT INTO auth.users (id, email, firebase_uid, auth_provider, password_hash, username)
		VALUES ($1, $1::uuid::text || '@example.com', CASE WHEN $2::text <> 'local' THEN $1::uuid::text END, $2::text, 'x', $1::uuid::text)`, id, provider)
	if err != nil {
		w.Fatal(err)
	}
	return id
}

func (w *world) signIn(id uuid.UUID, at time.Time) string {
	w.Helper()
	payload, err := json.Marshal(map[string]any{
		"iss": "https://securetoken.google.com/" + project, "aud": project, "sub": id.String(), "iat": at.Unix(), "auth_time": at.Unix(),
		"exp": at.Unix() + 3600, "firebase": map[string]any{"sign_in_provider": "password", "identities": map[string]any{}},
	})
	if err != nil {
		w.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload) + "."
}

func (w *world) begin(id uuid.UUID) session.Issued {
	w.Helper()
	issued, err := w.here.sessions.Begin(w.Context(), id, "")
	if err != nil {
		w.Fatalf("a legacy sign-in: %v", err)
	}
	return issued
}

func (w *world) admit(i instance, id uuid.UUID, claims token.Claims) error {
	w.Helper()
	u, err := i.users.ByLegacyID(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return u.Admit(claims)
}

func (w *world) expectRevoked(what string, id uuid.UUID, claims token.Claims) {
	w.Helper()
	if err := w.admit(w.here, id, claims); !errors.Is(err, user.ErrRevoked) {
		w.Errorf("T4: %s: %v, expected ErrRevoked", what, err)
	}
}

func (w *world) expectGood(what string, id uuid.UUID, issued session.Issued) {
	w.Helper()
	for where, i := range map[string]instance{"here": w.here, "elsewhere": w.elsewhere} {
		claims, err := i.verifier.Verify(w.Context(), issued.Pair.AccessToken)
		if err == nil {
			err = w.admit(i, id, claims)
		}
		if err != nil {
			w.Errorf("T4: %s, an access token that was just issued, %s: %v", what, where, err)
		}
		if _, err := i.sessions.Refresh(w.Context(), issued.Pair.RefreshToken, ""); err != nil {
			w.Errorf("T4: %s, a refresh token that was just issued, %s: %v", what, where, err)
		}
	}
}

func (w *world) revocations() map[string]func(id uuid.UUID) error {
	i := w.here
	ctx := w.Context()
	inTx := func(do func(tx pgx.Tx, e clock.Ending) error) error {
		return pg.InTx(ctx, w.pool, func(tx pgx.Tx) error { return do(tx, i.clocks.Ending(time.Time{}, time.Time{})) })
	}
	return map[string]func(id uuid.UUID) error{
		"logout": func(id uuid.UUID) error { return i.users.RevokeTokens(ctx, id, token.Claims{}) },
		"deactivation": func(id uuid.UUID) error {
			if _, err := i.users.Deactivate(ctx, id, "", user.Operator{Actor: "cli:test"}); err != nil {
				return err
			}
			_, err := w.pool.Exec(ctx, "UPDATE auth.users SET is_active = true WHERE id = $1", id)
			return err
		},
		"reactivation": func(id uuid.UUID) error {
			if _, err := w.pool.Exec(ctx, "UPDATE auth.users SET is_active = false WHERE id = $1", id); err != nil {
				return err
			}
			_, err := i.users.Reactivate(ctx, id, user.Operator{Actor: "cli:test"})
			return err
		},
		"revoke-tokens": func(id uuid.UUID) error {
			_, err := i.users.EndSessions(ctx, id, user.Operator{Actor: "cli:test"})
			return err
		},
		"a new password at Firebase": func(id uuid.UUID) error {
			return inTx(func(tx pgx.Tx, e clock.Ending) error {
				_, err := db.New().PasswordChangedAtFirebase(ctx, tx, db.PasswordChangedAtFirebaseParams{
					ID: id, PasswordHash: "x", IssuedUntil: e.FirebaseUntil, FirebaseLead: e.FirebaseLead, LegacyLead: e.LegacyLead,
				})
				if err != nil {
					return err
				}
				return user.EndLegacySessions(ctx, tx, id, e)
			})
		},
	}
}

// T4, T8, apart from tokens that T2 refuses and a Firebase beyond clock.Bound.
func TestClocks_EachWrongByItself_T4(t *testing.T) {
	t.Parallel()
	databaseURL := pgtest.New(t)
	for _, by := range []time.Duration{2 * time.Second, time.Minute, 5 * time.Minute, 24 * time.Hour} {
		for _, by := range []time.Duration{by, -by} {
			for name, s := range map[string]skews{"machine": {machine: by}, "PostgreSQL": {postgresql: by}, "Firebase": {firebase: by}} {
				t.Run(fmt.Sprintf("%s %s ahead", name, by), func(t *testing.T) {
					t.Parallel()
					newWorld(t, databaseURL, s).eachRevocation(by.Abs() == time.Minute)
				})
			}
		}
	}
	t.Run("all agree", func(t *testing.T) {
		t.Parallel()
		newWorld(t, databaseURL, skews{}).eachRevocation(true)
	})
}

func (w *world) eachRevocation(every bool) {
	w.Run("logout of a local person", func(t *testing.T) {
		t.Parallel()
		w := w.in(t)
		w.revokeAndGoOn(w.person("local"), "local", w.revocations()["logout"])
	})
	for act, revoke := range w.revocations() {
		if !every && act != "logout" {
			continue
		}
		w.Run(act, func(t *testing.T) {
			t.Parallel()
			w := w.in(t)
			w.revokeAndGoOn(w.person("hybrid"), "hybrid", revoke)
		})
	}
}

func (w *world) in(t *testing.T) *world {
	t.Helper()
	other := *w
	other.T = t
	return &other
}

func (w *world) revokeAndGoOn(id uuid.UUID, provider string, revoke func(id uuid.UUID) error) {
	w.Helper()
	legacy := w.begin(id)
	w.expectGood("before", id, legacy)
	other := token.Claims{Kind: token.KindFirebase, Subject: id.String(), AuthTime: w.atFirebase().Truncate(time.Second)}
	if err := revoke(id); err != nil {
		w.Fatal(err)
	}
	if provider != "local" && w.firebase <= clock.Bound {
		w.expectRevoked("another session at Firebase", id, other)
	}
	w.expectRevoked("another legacy session", id, legacy.Claims)

	if provider != "local" && w.firebase <= time.Minute && w.firebase > -time.Hour {
		claims := w.expectSignIn(id)
		u, err := w.here.users.ByLegacyID(w.Context(), id)
		if err != nil {
			w.Fatal(err)
		}
		continued, err := w.here.sessions.Continue(w.Context(), u, claims.AuthTime, "")
		if err != nil {
			w.Errorf("M9: the session of a sign-in after it does not go on here: %v", err)
		} else {
			w.expectGood("after, gone on here", id, continued)
		}
	}
	if provider != "local" && w.firebase > time.Minute {
		return
	}
	again := w.begin(id)
	w.expectGood("after", id, again)
	if err := revoke(id); err != nil {
		w.Fatal(err)
	}
	w.expectRevoked("at once again: the legacy session after the first", id, again.Claims)
}

func (w *world) expectSignIn(id uuid.UUID) token.Claims {
	w.Helper()
	for began := time.Now(); ; {
		claims, err := w.here.verifier.Verify(w.Context(), w.signIn(id, w.atFirebase()))
		if err != nil {
			w.Fatalf("T2: a token that Firebase has just signed: %v", err)
		}
		if err = w.admit(w.here, id, claims); err == nil {
			return claims
		}
		if time.Since(began) > 3*time.Second {
			w.Fatalf("T4: a sign-in at Firebase after it: %v", err)
		}
		if err := sleep.Context(w.Context(), 50*time.Millisecond); err != nil {
			w.Fatal(err)
		}
	}
}
