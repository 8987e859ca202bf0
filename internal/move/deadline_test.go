package move_test

import (
	"context"
	"testing"
	"time"

	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/move"
)

type hanging struct {
	move.Identities
	operation string
}

func (h hanging) Import(ctx context.Context, users []firebase.ImportUser) ([]firebase.ImportFailure, error) {
	if h.operation == "import" {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return h.Identities.Import(ctx, users)
}

func (h hanging) SignIn(ctx context.Context, email, typed string) (firebase.Session, error) {
	if h.operation == "sign-in" {
		<-ctx.Done()
		return firebase.Session{}, ctx.Err()
	}
	return h.Identities.SignIn(ctx, email, typed)
}

// A2: the release included.
func TestAtSignIn_EndsBeforeTheRequest_A2(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"import", "sign-in"} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			id := s.local(local{})
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			if _, err := s.mover(with(hanging{s.client, operation})).AtSignIn(ctx, id, password); err == nil {
				t.Error("moved, although Firebase does not answer")
			}
			if ctx.Err() != nil {
				t.Error("A2: the request has no time left for the legacy pair")
			}
			if _, err := s.mover().AtSignIn(t.Context(), id, password); err != nil {
				t.Errorf("the next sign-in is not moved: %v", err)
			}
		})
	}
}
