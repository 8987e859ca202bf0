package move_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/internal/move"
)

// M2, M7: the platform sets another password between the killed try and the next: Firebase's account is of the former one.
func TestTakeOver_OfARowWithAnotherHash_M2_M7(t *testing.T) {
	t.Parallel()
	const another = "another password"
	for _, at := range []string{"import", "import answered"} {
		for next, work := range map[string]func(s *stage, id uuid.UUID){
			"batch": func(s *stage, id uuid.UUID) {
				if _, r := s.moveAll(s.mover(), []uuid.UUID{id}); r.results[id].Code != move.CodeChanged || r.results[id].Outcome != move.OutcomeUnsettled {
					t.Errorf("recorded %+v", r.results[id])
				}
			},
			"sign-in": func(s *stage, id uuid.UUID) {
				if _, err := s.mover().AtSignIn(t.Context(), id, another); !errors.Is(err, move.ErrNotMovable) || errors.Is(err, move.ErrConflict) {
					t.Errorf("the sign-in gives %v", err)
				}
			},
			"mail": func(s *stage, id uuid.UUID) {
				if err := s.mover().WithoutPassword(t.Context(), id, "user"); !errors.Is(err, move.ErrNotMovable) || errors.Is(err, move.ErrConflict) {
					t.Errorf("the move before a mail gives %v", err)
				}
			},
			"job": func(s *stage, id uuid.UUID) {
				if _, err := s.settleOnce(id); err != nil {
					t.Error(err)
				}
			},
		} {
			t.Run(at+", "+next, func(t *testing.T) {
				t.Parallel()
				s := newStage(t)
				id := s.local(local{})
				s.dies(at, func(identities move.Identities) { _, _ = s.mover(with(identities)).AtSignIn(t.Context(), id, password) })
				s.exec("UPDATE auth.users SET password_hash = $2 WHERE id = $1", id, hashOf(t, another))
				s.lapse(id)
				work(s, id)
				s.mustBeLocal(id, "")
				if s.accounts() != 0 {
					t.Errorf("the account of the former password stays")
				}
				s.moveAll(s.mover(), []uuid.UUID{id})
				s.mustBeMoved(id, id.String(), another)
			})
		}
	}
}
