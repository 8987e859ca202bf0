package move_test

import (
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/move"
)

// M2: a run was killed and does not go on.
func TestSettleLapsed_M2(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ids := s.locals(10)
	for at, some := range map[string][]uuid.UUID{"import answered": ids[:5], "import": ids[5:]} {
		s.dies(at, func(identities move.Identities) {
			_, _ = s.mover(with(identities)).Move(t.Context(), move.Batch{IDs: some, Actor: "cli:test", Record: (&recorder{}).record})
		})
	}
	signingIn := s.local(local{})
	s.dies("import answered", func(identities move.Identities) {
		_, _ = s.mover(with(identities)).AtSignIn(t.Context(), signingIn, password)
	})
	expect := func(what string, settled int) {
		t.Helper()
		if n, err := s.mover().SettleLapsed(t.Context(), "system"); err != nil || n != settled {
			t.Errorf("%s: settled %d, %v, expected %d", what, n, err, settled)
		}
	}
	expect("before the lapse", 0)
	lapse := func() { s.exec("UPDATE auth.move_claims SET claimed_at = claimed_at - interval '61 seconds'") }
	lapse()
	s.exec(`INSERT INTO auth.bulk_runs (id, kind, project_id, tenant, selection, parallel, max_errors, started_by)
		VALUES ($1, 'move', 'demo-test', '', 'all', 1, 1, 'test')`, uuid.New())
	expect("while a run works", 0)
	s.exec("UPDATE auth.bulk_runs SET state = 'paused'")
	if err := s.provider.AddFaults(identity.Fault{Match: "accounts:lookup", Kind: identity.FaultUnavailable}); err != nil {
		t.Fatal(err)
	}
	if n, err := s.mover().SettleLapsed(t.Context(), "system"); err == nil {
		t.Errorf("during an outage: settled %d", n)
	}
	s.provider.ClearFaults()
	expect("another one may still look", 0)
	lapse()
	imports := s.requests("batchCreate")
	expect("in the end", 10)
	for _, id := range ids[:5] {
		s.mustBeMoved(id, id.String(), password)
	}
	for _, id := range ids[5:] {
		s.mustBeLocal(id, "")
	}
	if now := s.state(signingIn); now.status != "syncing" || s.requests("batchCreate") != imports || len(s.changed) != 5 {
		t.Errorf("the sign-in's is %+v, %d imports more, %d changes told", now, s.requests("batchCreate")-imports, len(s.changed))
	}
	expect("again", 0)
}
