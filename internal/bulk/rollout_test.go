package bulk_test

import (
	"slices"
	"strings"
	"testing"
	"time"

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

// The second batch waits for the pace while the rollout changes.
func TestCarry_HearsOfTheRolloutBeforeEachBatch(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		change         string
		state          string
		moved, skipped int64
	}{
		"R2": {"UPDATE auth.rollout SET traffic_buckets = 9999", bulk.Paused, 20, 0},
		"R3": {"UPDATE auth.rollout SET deny = ARRAY(SELECT id FROM auth.users ORDER BY id OFFSET 20 LIMIT 5)", bulk.Done, 35, 5},
	} {
		for _, selection := range []string{bulk.All, bulk.IDs} {
			t.Run(what+" "+selection, func(t *testing.T) {
				t.Parallel()
				s := newStage(t)
				ids := s.locals(40)
				slices.SortFunc(ids, func(a, b uuid.UUID) int { return strings.Compare(a.String(), b.String()) })
				changed := make(chan struct{})
				b := s.service(func(o *bulk.Options) {
					first := true
					o.Mover = moverFunc{o.Mover, func() {
						if first {
							time.AfterFunc(200*time.Millisecond, func() { s.exec(c.change); close(changed) })
						}
						first = false
					}}
				})
				plan := bulk.Plan{Selection: selection, Rate: 20, Parallel: 1}
				if selection == bulk.IDs {
					plan.IDs = ids
				}
				run := s.carry(b, s.start(b, plan).ID)
				<-changed
				if run.State != c.state || run.Moved != c.moved || run.Skipped != c.skipped {
					t.Errorf("the run is %+v", run)
				}
				if what == "R3" {
					s.mustBeMoved(append(ids[:20:20], ids[25:]...))
				}
			})
		}
	}
}

// R3: the second user is pending when it is denied.
func TestCarry_PendingUsersMayBeDenied_R3(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ids := s.locals(2)
	s.exec("UPDATE auth.users SET federation_status = 'syncing' WHERE id = $1", ids[1])
	s.exec("INSERT INTO auth.move_claims (user_id, claimed_by, claimed_at) VALUES ($1, 'another', clock_timestamp())", ids[1])
	b := s.service(func(o *bulk.Options) {
		first := true
		o.Mover = moverFunc{o.Mover, func() {
			if first {
				s.exec("UPDATE auth.rollout SET deny = ARRAY[$1::uuid]", ids[1])
				s.exec("UPDATE auth.move_claims SET claimed_at = claimed_at - interval '1 hour'")
			}
			first = false
		}}
	})
	if run := s.carry(b, s.start(b, bulk.Plan{}).ID); run.State != bulk.Done || run.Moved != 1 || run.Skipped != 1 {
		t.Errorf("the run is %+v", run)
	}
	s.mustBeMoved(ids[:1])
}
