package bulk_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/bulk"
)

// A job's deadline leaves the run to another carrier, and no user out.
func TestCarry_UnderADeadline(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ids := s.locals(200)
	b := s.service()
	run := s.start(b, bulk.Plan{Rate: 20})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if err := b.Carry(ctx, run.ID, uuid.New(), nil); err != nil {
		t.Error(err)
	}
	cut, err := b.Read(t.Context(), run.ID)
	if err != nil || cut.State != bulk.Running || cut.Moved == 0 || cut.Moved == 200 || cut.Carried {
		t.Errorf("cut short, the run is %+v, %v", cut, err)
	}
	s.exec("UPDATE auth.bulk_runs SET rate = 0")
	if run := s.carry(b, run.ID); run.State != bulk.Done || run.Moved != 200 {
		t.Errorf("the run is %+v", run)
	}
	s.mustBeMoved(ids)
}
