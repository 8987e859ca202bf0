package bulk_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/bulk"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/move"
	"auth-v2-service/internal/rollout"
)

func TestCarry_MovesEachUserOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ids := s.locals(45)
	b := s.service()
	run := s.carry(b, s.start(b, bulk.Plan{Rate: 20, Parallel: 3}).ID)
	if run.State != bulk.Done || run.Moved != 45 || run.Failed+run.Skipped+run.Pending != 0 || run.CanaryAt.IsZero() || run.Carried {
		t.Errorf("the run is %+v", run)
	}
	s.mustBeMoved(ids)
}

// A second carrier is refused; a dead one's lease and claims lapse.
func TestCarry_TheLease_M2(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ids := s.locals(10)
	b := s.service()
	dead := uuid.New()
	run, err := b.Start(t.Context(), bulk.Plan{}, somebody, dead)
	if err != nil || !run.Carried {
		t.Fatalf("%+v, %v", run, err)
	}
	if err := b.Carry(t.Context(), run.ID, uuid.New(), nil); !errors.Is(err, bulk.ErrCarried) {
		t.Errorf("a second carrier: %v", err)
	}
	if _, err := b.Start(t.Context(), bulk.Plan{}, somebody, uuid.New()); !errors.Is(err, bulk.ErrCarried) {
		t.Errorf("a second operator: %v", err)
	}
	if _, err := b.Start(t.Context(), bulk.Plan{Selection: bulk.Cohort}, somebody, uuid.New()); !errors.Is(err, bulk.ErrUnfinished) {
		t.Errorf("another selection: %v", err)
	}
	other := s.service(func(o *bulk.Options) { o.Target.Project = "another" })
	if _, err := other.Start(t.Context(), bulk.Plan{}, somebody, uuid.New()); !errors.Is(err, bulk.ErrOtherTarget) {
		t.Errorf("another project: %v", err)
	}
	// A killed carrier leaves claimed rows, some with an account.
	s.exec("UPDATE auth.users SET federation_status = 'syncing' WHERE id = ANY($1)", ids[:4])
	s.exec("INSERT INTO auth.move_claims (user_id, claimed_by, claimed_at) SELECT id, 'dead', clock_timestamp() FROM auth.users WHERE id = ANY($1)", ids[:4])
	for _, id := range ids[:2] {
		if _, err := s.client.Import(t.Context(), []firebase.ImportUser{{UID: id.String(), Email: id.String() + "@example.com", PasswordHash: s.hash}}); err != nil {
			t.Fatal(err)
		}
	}
	s.exec("UPDATE auth.bulk_runs SET lease_until = now() - interval '1 second'")
	if lacking, err := b.ToCarry(t.Context()); err != nil || len(lacking) != 1 {
		t.Errorf("runs without a carrier: %v, %v", lacking, err)
	}
	if lacking, err := other.ToCarry(t.Context()); err != nil || len(lacking) != 0 {
		t.Errorf("runs of another project: %v, %v", lacking, err)
	}
	if run := s.carry(b, run.ID); run.State != bulk.Done || run.Moved != 10 {
		t.Errorf("the run is %+v", run)
	}
	s.mustBeMoved(ids)
}

func TestCarry_PauseResumeStop_M4(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ids := s.locals(60)
	b := s.service()
	run := s.start(b, bulk.Plan{Rate: 10, Parallel: 1})
	ended := make(chan error, 1)
	heard := make(chan time.Time, 1)
	go func() {
		err := b.Carry(t.Context(), run.ID, uuid.New(), func(bulk.BatchDone) {
			select {
			case heard <- time.Now():
			default:
			}
		})
		ended <- err
	}()
	<-heard
	if _, err := b.Resume(t.Context(), run.ID, somebody); !errors.Is(err, bulk.ErrWrongState) {
		t.Errorf("resuming a running one: %v", err)
	}
	if _, err := b.Pause(t.Context(), run.ID, somebody, bulk.ReasonOperator); err != nil {
		t.Fatal(err)
	}
	asked := time.Now()
	if err := <-ended; err != nil || time.Since(asked) > 2*time.Second {
		t.Errorf("paused after %s: %v", time.Since(asked), err)
	}
	paused, err := b.Read(t.Context(), run.ID)
	if err != nil || paused.State != bulk.Paused || paused.Reason != bulk.ReasonOperator || paused.Moved == 0 || paused.Moved == 60 || paused.Carried {
		t.Fatalf("%+v, %v", paused, err)
	}
	if _, err := b.Resume(t.Context(), run.ID, somebody); err != nil {
		t.Fatal(err)
	}
	if run := s.carry(b, run.ID); run.State != bulk.Done || run.Moved != 60 {
		t.Errorf("the run is %+v", run)
	}
	s.mustBeMoved(ids)
	if _, err := b.Stop(t.Context(), run.ID, somebody); !errors.Is(err, bulk.ErrWrongState) {
		t.Errorf("stopping a done one: %v", err)
	}
	next := s.start(b, bulk.Plan{})
	if _, err := b.Stop(t.Context(), next.ID, somebody); err != nil {
		t.Error(err)
	}
	if _, err := b.Resume(t.Context(), next.ID, somebody); !errors.Is(err, bulk.ErrWrongState) {
		t.Errorf("resuming a stopped one: %v", err)
	}
	s.exec("INSERT INTO auth.bulk_run_users (run_id, user_id, outcome) VALUES ($1, $2, 'failed')", next.ID, ids[0])
	if _, err := b.Retry(t.Context(), next.ID, somebody); !errors.Is(err, bulk.ErrWrongState) {
		t.Errorf("retrying a stopped one: %v", err)
	}
	for action, n := range map[string]int{"move.started": 2, "move.paused": 1, "move.resumed": 1, "move.stopped": 1, "move.ended": 1} {
		if found := s.count("SELECT count(*) FROM auth.audit_events WHERE action = $1", action); found != n {
			t.Errorf("O4: %d events %s, expected %d", found, action, n)
		}
	}
}

func TestCarry_PausesByItself_M3(t *testing.T) {
	t.Parallel()
	for reason, c := range map[string]struct {
		change func(s *stage, o *bulk.Options)
		moved  int64
	}{
		bulk.ReasonCanary: {func(_ *stage, o *bulk.Options) { o.Canaries = canaries{o.Canaries, firebase.ErrInvalidCredentials} }, 20},
		bulk.ReasonErrors: {func(s *stage, _ *bulk.Options) {
			s.exec("UPDATE auth.users SET password_hash = 'md5' WHERE id IN (SELECT id FROM auth.users ORDER BY id LIMIT 11)")
		}, 9},
		bulk.ReasonTraffic: {func(s *stage, o *bulk.Options) {
			mover := o.Mover
			o.Mover = moverFunc{mover, func() { s.exec("UPDATE auth.rollout SET traffic_buckets = 9999") }}
		}, 20},
		bulk.ReasonQuota: {func(s *stage, _ *bulk.Options) {
			s.fault(identity.Fault{Match: "accounts:batchCreate", Kind: identity.FaultQuotaExceeded})
		}, 0},
		bulk.ReasonRefused: {func(_ *stage, o *bulk.Options) {
			o.Mover = troubled{o.Mover, errors.New("no such project")}
		}, 0},
		bulk.ReasonUnreachable: {func(s *stage, _ *bulk.Options) {
			s.fault(identity.Fault{Match: "accounts:batchCreate", Kind: identity.FaultUnavailable})
		}, 0},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			ids := s.locals(60)
			b := s.service(func(o *bulk.Options) { c.change(s, o) })
			run := s.carry(b, s.start(b, bulk.Plan{Rate: 20, Parallel: 1}).ID)
			if run.State != bulk.Paused || run.Reason != reason || run.Moved != c.moved {
				t.Errorf("the run is %+v, expected %d moved", run, c.moved)
			}
			if n := s.count("SELECT count(*) FROM auth.audit_events WHERE action = 'move.paused' AND actor = 'system' AND details ->> 'reason' = $1", reason); n != 1 {
				t.Errorf("O4: %d events", n)
			}
			s.provider.ClearFaults()
			s.exec("UPDATE auth.rollout SET traffic_buckets = 10000")
			s.exec("UPDATE auth.users SET password_hash = $1 WHERE password_hash = 'md5'", s.hash)
			b = s.service()
			if _, err := b.Resume(t.Context(), run.ID, somebody); err != nil {
				t.Fatal(err)
			}
			run = s.carry(b, run.ID)
			if run.Failed > 0 {
				if _, err := b.Retry(t.Context(), run.ID, somebody); err != nil {
					t.Fatal(err)
				}
				run = s.carry(b, run.ID)
			}
			if run.State != bulk.Done || run.Moved != 60 || run.Failed != 0 {
				t.Errorf("mended, the run is %+v", run)
			}
			s.mustBeMoved(ids)
		})
	}
}

// troubled gives all users back, as after a refusal of the whole request.
type troubled struct {
	bulk.Mover
	trouble error
}

func (m troubled) Move(_ context.Context, b move.Batch) (move.Report, error) {
	return move.Report{Released: b.IDs, Trouble: m.trouble}, nil
}

type moverFunc struct {
	bulk.Mover
	after func()
}

func (m moverFunc) Move(ctx context.Context, batch move.Batch) (move.Report, error) {
	report, err := m.Mover.Move(ctx, batch)
	m.after()
	return report, err
}

func (s *stage) fault(f identity.Fault) {
	s.Helper()
	if err := s.provider.AddFaults(f); err != nil {
		s.Fatal(err)
	}
}

// M2: after a lost answer to an import each user moves once.
func TestCarry_BearsTrouble_M2(t *testing.T) {
	t.Parallel()
	for _, f := range []identity.Fault{
		{Match: "accounts:batchCreate", Kind: identity.FaultCut, After: true, Count: 1},
		{Match: "accounts:batchCreate", Kind: identity.FaultUnavailable, Count: 2},
		{Match: "accounts:batchCreate", Kind: identity.FaultTooManyRequests, Count: 2},
		{Match: "accounts:batchCreate", Kind: identity.FaultHang, Count: 1},
		{Match: "accounts:signInWithPassword", Kind: identity.FaultUnavailable, Count: 1},
	} {
		t.Run(f.Kind+" "+f.Match, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			ids := s.locals(40)
			s.fault(f)
			b := s.service()
			run := s.carry(b, s.start(b, bulk.Plan{Rate: 20, Parallel: 1}).ID)
			if run.State != bulk.Done || run.Moved != 40 {
				t.Errorf("the run is %+v", run)
			}
			s.mustBeMoved(ids)
		})
	}
}

func TestStart_RefusesAndWritesNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ids := s.locals(1)
	b := s.service()
	for what, c := range map[string]struct {
		service *bulk.Service
		plan    bulk.Plan
		err     error
	}{
		"a percent of 0":   {b, bulk.Plan{Selection: bulk.Percent}, bulk.ErrInvalidPlan},
		"a percent of 101": {b, bulk.Plan{Selection: bulk.Percent, Buckets: 10_100}, bulk.ErrInvalidPlan},
		"no ids":           {b, bulk.Plan{Selection: bulk.IDs}, bulk.ErrInvalidPlan},
		"an unknown id":    {b, bulk.Plan{Selection: bulk.IDs, IDs: append(ids, uuid.New())}, bulk.ErrInvalidPlan},
		"another word":     {b, bulk.Plan{Selection: "some"}, bulk.ErrInvalidPlan},
		"a rate below 0":   {b, bulk.Plan{Rate: -1}, bulk.ErrInvalidPlan},
		"stray ids":        {b, bulk.Plan{IDs: ids}, bulk.ErrInvalidPlan},
		"a stray percent":  {b, bulk.Plan{Selection: bulk.Cohort, Buckets: 100}, bulk.ErrInvalidPlan},
		"too many errors":  {b, bulk.Plan{MaxErrors: 1 << 32}, bulk.ErrInvalidPlan},
		"undecided":        {s.service(func(o *bulk.Options) { o.MovesAllowed = false }), bulk.Plan{}, rollout.ErrUndecided},
	} {
		if _, err := c.service.Start(t.Context(), c.plan, somebody, uuid.Nil); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, expected %v", what, err, c.err)
		}
	}
	s.exec("UPDATE auth.rollout SET traffic_buckets = 9999")
	if _, err := b.Start(t.Context(), bulk.Plan{}, somebody, uuid.Nil); !errors.Is(err, bulk.ErrTraffic) {
		t.Errorf("R2: %v", err)
	}
	if n := s.count("SELECT count(*) FROM auth.bulk_runs"); n != 0 {
		t.Errorf("%d runs were written", n)
	}
}
