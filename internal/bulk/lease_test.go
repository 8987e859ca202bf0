package bulk_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/internal/bulk"
)

// A command that goes on with a run holds it before an instance sees that it lacks a carrier.
func TestStart_GoesOnWithTheLease(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	b := s.service()
	run := s.start(b, bulk.Plan{})
	for _, state := range []string{bulk.Paused, bulk.Running} {
		s.exec("UPDATE auth.bulk_runs SET state = $1, lease_by = NULL, lease_until = NULL", state)
		carrier := uuid.New()
		again, err := b.Start(t.Context(), bulk.Plan{}, somebody, carrier)
		if err != nil || again.ID != run.ID || again.State != bulk.Running || !again.Carried {
			t.Errorf("going on with a %s run: %+v, %v", state, again, err)
		}
		if err := b.Carry(t.Context(), run.ID, uuid.New(), nil); !errors.Is(err, bulk.ErrCarried) {
			t.Errorf("another carrier of a %s run: %v", state, err)
		}
	}
	s.exec("UPDATE auth.bulk_runs SET state = 'paused', lease_by = $1, lease_until = now() + interval '1 minute'", uuid.New())
	if _, err := b.Start(t.Context(), bulk.Plan{}, somebody, uuid.New()); !errors.Is(err, bulk.ErrCarried) {
		t.Errorf("while the last carrier ends its batch: %v", err)
	}
	if now, err := b.Read(t.Context(), run.ID); err != nil || now.State != bulk.Paused {
		t.Errorf("refused, it left %+v, %v", now, err)
	}
}
