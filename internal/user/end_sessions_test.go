package user

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/clock"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/token"
)

func skewedStore(t *testing.T, ahead time.Duration) (*Store, *vendor) {
	t.Helper()
	s, v := syncingStore(t)
	s.clocks = clock.New(clock.Options{})
	for range 3 {
		sent := time.Now()
		var said time.Time
		if err := s.pool.QueryRow(t.Context(), "SELECT clock_timestamp()").Scan(&said); err != nil {
			t.Fatal(err)
		}
		s.clocks.ReadPostgreSQL(sent, time.Now(), said)
	}
	s.clocks.ReadFirebase(time.Now(), time.Now(), http.Header{"Date": {time.Now().Add(ahead).UTC().Format(http.TimeFormat)}})
	return s, v
}

func (s *Store) legacySession(t *testing.T, user uuid.UUID, began time.Time) token.Claims {
	t.Helper()
	id := uuid.New()
	s.exec(t, `INSERT INTO auth.legacy_sessions (id, user_id, began_at, seed, rotated_at, expires_at)
		VALUES ($1, $2, $3, 'seed', now(), now() + interval '1 day')`, id, user, began)
	return token.Claims{Kind: token.KindLegacy, SessionID: id, UserID: user, AuthTime: began}
}

func (s *Store) admits(t *testing.T, id uuid.UUID, claims token.Claims) bool {
	t.Helper()
	u, err := s.ByLegacyID(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return u.Admit(claims) == nil
}

func TestProof_EndsSessionsWhicheverClockIsAhead_F3_T4(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, 2 * time.Second, 50 * time.Second, -50 * time.Second, -4 * time.Minute} {
		t.Run(fmt.Sprint(ahead), func(t *testing.T) {
			t.Parallel()
			s, _ := skewedStore(t, ahead)
			id := s.linkedRow(t, nil)
			u, err := s.ByID(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			earlier := s.legacySession(t, id, time.Now().Add(-time.Minute).Truncate(time.Second))
			elsewhere := s.legacySession(t, id, time.Now().Add(30*time.Second).Truncate(time.Second))
			at := time.Now().Add(ahead).Truncate(time.Second)
			if _, err := s.prove(t.Context(), u, proof{email: canonicalForm(u.Email), provider: "google.com", at: at, actor: "system"}); err != nil {
				t.Fatal(err)
			}
			before := token.Claims{Kind: token.KindFirebase, Subject: u.FirebaseUID, SignInProvider: "password", AuthTime: at.Add(-time.Second)}
			proving := token.Claims{Kind: token.KindFirebase, Subject: u.FirebaseUID, SignInProvider: "google.com", AuthTime: at}
			if s.admits(t, id, before) || !s.admits(t, id, proving) {
				t.Errorf("F3: a session at Firebase of a second before is let in: %t; the one that proves: %t", s.admits(t, id, before), s.admits(t, id, proving))
			}
			if s.admits(t, id, earlier) || s.admits(t, id, elsewhere) {
				t.Errorf("F3: an earlier legacy session is let in: %t; one that is dated later: %t", s.admits(t, id, earlier), s.admits(t, id, elsewhere))
			}
		})
	}
}

// A7, T4
func TestSync_TheLaterPasswordCountsWhicheverClockIsAhead_A7(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, 10 * time.Second, 50 * time.Second, -10 * time.Second, -4 * time.Minute} {
		t.Run(fmt.Sprint(ahead), func(t *testing.T) {
			t.Parallel()
			s, v := skewedStore(t, ahead)
			id := s.linkedRow(t, map[string]any{"auth_provider": "hybrid", "password_hash": "old"})
			u, err := s.ByID(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			account := firebase.User{UID: u.FirebaseUID, Email: u.Email, HasPassword: true, PasswordUpdatedAt: time.Now().Add(ahead)}
			e := s.clocks.Ending(time.Time{}, time.Time{})
			if _, err := s.queries.FollowFirebasePassword(t.Context(), s.pool, db.FollowFirebasePasswordParams{
				ID: id, PasswordHash: "new", OldPasswordHash: "old", FirebaseLead: e.FirebaseLead,
			}); err != nil {
				t.Fatal(err)
			}
			sync := func() {
				t.Helper()
				v.accounts[account.UID] = account
				if _, err := s.Sync(t.Context(), account.UID, "system"); err != nil {
					t.Fatal(err)
				}
			}
			usable := func() (usable bool) {
				t.Helper()
				if err := s.pool.QueryRow(t.Context(), "SELECT password_hash = 'new' FROM auth.users WHERE id = $1", id).Scan(&usable); err != nil {
					t.Fatal(err)
				}
				return usable
			}
			if sync(); !usable() {
				t.Fatal("A7: a hash that was set with Firebase's password counts as older")
			}
			now := time.Now().Truncate(time.Second)
			before, after := s.legacySession(t, id, now.Add(-30*time.Second)), s.legacySession(t, id, now.Add(max(ahead, 0)+6*time.Second))
			account.PasswordUpdatedAt = time.Now().Add(ahead + 3*time.Second) // at Firebase
			if sync(); usable() {
				t.Error("A7: a hash that is older than Firebase's password counts")
			}
			if s.admits(t, id, before) || !s.admits(t, id, after) {
				t.Errorf("T4: a legacy session from before the password is let in: %t; one of after: %t", s.admits(t, id, before), s.admits(t, id, after))
			}
		})
	}
}
