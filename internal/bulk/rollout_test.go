package bulk_test

import (
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/internal/bulk"
)

func TestCarry_BelowFullTraffic_R2(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ids := s.locals(5)
	b := s.service()
	run := s.start(b, bulk.Plan{})
	s.exec("UPDATE auth.rollout SET traffic_buckets = 9999")
	if run := s.carry(b, run.ID); run.State != bulk.Paused || run.Reason != bulk.ReasonTraffic || run.AfterID != uuid.Nil {
		t.Errorf("below full traffic, the run is %+v", run)
	}
	if p, err := b.Preview(t.Context(), bulk.Plan{}); err != nil || p.Movable != 5 {
		t.Errorf("%d can move: %v", p.Movable, err)
	}
	s.exec("UPDATE auth.rollout SET traffic_buckets = 10000")
	if _, err := b.Resume(t.Context(), run.ID, somebody); err != nil {
		t.Fatal(err)
	}
	if run := s.carry(b, run.ID); run.State != bulk.Done || run.Moved != 5 {
		t.Errorf("the run is %+v", run)
	}
	s.mustBeMoved(ids)
}
