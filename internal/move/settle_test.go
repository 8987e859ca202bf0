package move_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/clock"
	"auth-v2-service/internal/intent"
	"auth-v2-service/internal/move"
)

func (s *stage) seen() func(*move.Options) {
	clocks := clock.New(clock.Options{})
	now := time.Now()
	clocks.ReadPostgreSQL(now, now, now)
	clocks.ReadFirebase(now, now, http.Header{"Date": {now.Add(s.ahead).UTC().Format(http.TimeFormat)}})
	return func(o *move.Options) { o.Clocks = clocks }
}

func (s *stage) settle(id uuid.UUID) {
	s.Helper()
	if settled, err := s.settleOnce(id); err != nil || !settled {
		s.Fatalf("settled %t, %v", settled, err)
	}
}

func (s *stage) settleOnce(id uuid.UUID) (settled bool, err error) {
	s.Helper()
	var change uuid.UUID
	if err = s.pool.QueryRow(s.Context(), "SELECT id FROM auth.firebase_intents WHERE user_id = $1", id).Scan(&change); err != nil {
		s.Fatal(err)
	}
	i, err := intent.NewLog(s.pool, noJob).Read(s.Context(), change)
	if err != nil {
		s.Fatal(err)
	}
	return s.mover(s.seen()).SettleMove(s.Context(), i)
}

// A7: Firebase's clock dates its password.
func TestSettleMove_WhicheverClockIsAhead_A7_T4(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, 4 * time.Minute, -4 * time.Minute} {
		for _, since := range []time.Duration{0, 3 * time.Minute} {
			t.Run(fmt.Sprintf("Firebase %s ahead, changed after %s", ahead, since), func(t *testing.T) {
				t.Parallel()
				s := newStage(t)
				s.ahead = ahead
				id := s.local(local{})
				s.dies("import answered", func(identities move.Identities) {
					_, _ = s.mover(with(identities), s.seen()).AtSignIn(t.Context(), id, password)
				})
				s.lapse(id)
				if since > 0 {
					s.exec("UPDATE auth.firebase_intents SET began_at = began_at - $1::interval", since.String())
				}
				s.settle(id)
				if n := s.count("SELECT count(*) FROM auth.users WHERE id = $1 AND auth_provider = 'hybrid'", id); n != 1 {
					t.Fatal("the move was not completed")
				}
				counts := s.count("SELECT count(*) FROM auth.users WHERE id = $1 AND password_set_at IS NOT NULL", id) == 1
				if want := since == 0; counts != want {
					t.Errorf("A7: the local hash counts as new: %t, expected %t", counts, want)
				}
			})
		}
	}
}
