package account

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/firebase"
)

type slowMover struct{ Mover }

func (slowMover) AtSignIn(ctx context.Context, _ uuid.UUID, _ string) (firebase.Session, error) {
	<-ctx.Done()
	return firebase.Session{}, ctx.Err()
}

func TestMoveAndLogin_LeavesTimeForTheLegacyPair_A2(t *testing.T) {
	t.Parallel()
	s := &Service{mover: slowMover{}, log: slog.New(slog.DiscardHandler)}
	for _, left := range []time.Duration{legacyTime / 2, legacyTime + 100*time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), left)
		if _, err := s.moveAndLogin(ctx, "jane@example.com", "TestPassword123", uuid.New()); err == nil {
			t.Error("moved by a mover that moves nobody")
		}
		if ctx.Err() != nil {
			t.Errorf("A2: of %s nothing is left for the legacy pair", left)
		}
		cancel()
	}
}
