package move_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/move"
)

type recorder struct {
	mu      sync.Mutex
	results map[uuid.UUID]move.Result
	doubled []uuid.UUID
}

func (r *recorder) record(_ context.Context, _ pgx.Tx, results []move.Result) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, result := range results {
		if before, known := r.results[result.ID]; known && before.Outcome == move.OutcomeMoved {
			r.doubled = append(r.doubled, result.ID)
		}
		if r.results == nil {
			r.results = map[uuid.UUID]move.Result{}
		}
		r.results[result.ID] = result
	}
	return nil
}

func (s *stage) locals(n int) []uuid.UUID {
	s.Helper()
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i] = s.local(local{})
	}
	return ids
}

func (s *stage) moveAll(m *move.Mover, ids []uuid.UUID) (move.Report, *recorder) {
	s.Helper()
	r := &recorder{}
	report, err := m.Move(s.Context(), move.Batch{IDs: ids, Actor: "cli:test", Record: r.record})
	if err != nil {
		s.Fatal(err)
	}
	return report, r
}

func TestMove_OneImportForMany(t *testing.T) {
	s := newStage(t)
	ids := s.locals(50)
	report, r := s.moveAll(s.mover(), ids)
	if report.Moved != len(ids) || report.Trouble != nil || len(r.results) != len(ids) || s.requests("batchCreate") != 1 {
		t.Errorf("%+v, %d results, %d imports", report, len(r.results), s.requests("batchCreate"))
	}
	for _, id := range ids {
		s.mustBeMoved(id, id.String(), password)
		if got := r.results[id]; got.Outcome != move.OutcomeMoved || got.Code != "imported" {
			t.Errorf("recorded %+v", got)
		}
	}
	if len(s.changed) != len(ids) {
		t.Errorf("%d changes announced", len(s.changed))
	}
	if again, r := s.moveAll(s.mover(), ids); again.Moved != 0 || r.results[ids[0]] != (move.Result{ID: ids[0], Outcome: move.OutcomeNotMovable, Code: move.CodeMoved}) {
		t.Errorf("again: %+v, %+v", again, r.results[ids[0]])
	}
}

// M3: what Firebase refuses, or would, stands alone.
func TestMove_EachFailureHasItsCode(t *testing.T) {
	s := newStage(t)
	well := s.locals(20)
	codes := map[uuid.UUID]string{
		s.local(local{hash: "md5"}):                 "invalid_hash",
		s.local(local{email: "o'neil@exämple.com"}): "invalid_email",
	}
	taken, foreign, squatted, odd := s.local(local{}), s.local(local{}), s.local(local{}), s.local(local{})
	s.known(taken, identity.User{EmailVerified: true, Disabled: true})
	codes[taken] = "disabled"
	s.known(foreign, identity.User{EmailVerified: true, Providers: []string{"google.com"}})
	codes[foreign] = "account_foreign"
	s.known(squatted, identity.User{Password: "another one"})
	if _, err := s.provider.PutUser(identity.User{UID: odd.String(), Email: "other@example.com", Password: "another one"}); err != nil {
		t.Fatal(err)
	}
	codes[odd] = "uid_taken"
	report, r := s.moveAll(s.mover(), append(append([]uuid.UUID{squatted}, well...), slices.Collect(maps.Keys(codes))...))
	for id, code := range codes {
		if got := r.results[id]; got.Outcome != move.OutcomeConflict || got.Code != code {
			t.Errorf("recorded %+v, expected %s", got, code)
		}
		if code == "account_foreign" {
			s.mustBeLocal(id, "")
			continue
		}
		s.mustBeLocal(id, code)
	}
	for _, id := range append(well, squatted) {
		s.mustBeMoved(id, id.String(), password)
	}
	if report.Moved != len(well)+1 || report.Trouble != nil {
		t.Errorf("%+v", report)
	}
}

type refusing struct {
	move.Identities
	uids []string
}

func (r refusing) Import(ctx context.Context, users []firebase.ImportUser) ([]firebase.ImportFailure, error) {
	for _, u := range users {
		if slices.Contains(r.uids, u.UID) {
			return nil, firebase.ErrInvalidHash
		}
	}
	return r.Identities.Import(ctx, users)
}

// M3: one hash that Firebase refuses fails the whole request.
func TestMove_ARefusedRequestIsHalved(t *testing.T) {
	s := newStage(t)
	ids := s.locals(30)
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return strings.Compare(a.String(), b.String()) }) // the canary stands beside the last
	bad := []uuid.UUID{ids[3], ids[17]}
	canary := firebase.ImportUser{UID: "canary-of-a-run", Email: "canary@moves.invalid", PasswordHash: plainHash()}
	r := &recorder{}
	report, err := s.mover(with(refusing{s.client, []string{bad[0].String(), bad[1].String()}})).
		Move(t.Context(), move.Batch{IDs: ids, Actor: "cli:test", Canary: &canary, Record: r.record})
	if err != nil || report.Moved != 28 || report.Trouble != nil || !report.Canary {
		t.Errorf("%+v, %v", report, err)
	}
	for _, id := range ids {
		if slices.Contains(bad, id) {
			s.mustBeLocal(id, "invalid_hash")
			continue
		}
		s.mustBeMoved(id, id.String(), password)
	}
}

// M2: an unanswered import is looked up, never sent again.
func TestMove_LostAnswer(t *testing.T) {
	s := newStage(t)
	ids := s.locals(120)
	if err := s.provider.AddFaults(identity.Fault{Match: "accounts:batchCreate", Kind: identity.FaultCut, After: true}); err != nil {
		t.Fatal(err)
	}
	report, _ := s.moveAll(s.mover(), ids)
	if report.Moved != len(ids) || s.requests("batchCreate") != 1 || !errors.Is(report.Trouble, firebase.ErrUnreachable) {
		t.Errorf("%+v, %d imports", report, s.requests("batchCreate"))
	}
	for _, id := range ids {
		s.mustBeMoved(id, id.String(), "")
	}
}

func TestMove_OutagesGiveAllBack(t *testing.T) {
	for _, kind := range []string{identity.FaultTooManyRequests, identity.FaultUnavailable, identity.FaultCut, identity.FaultQuotaExceeded} {
		t.Run(kind, func(t *testing.T) {
			s := newStage(t)
			ids := s.locals(10)
			if err := s.provider.AddFaults(identity.Fault{Match: "accounts:batchCreate", Kind: kind}); err != nil {
				t.Fatal(err)
			}
			report, r := s.moveAll(s.mover(), ids)
			if report.Moved != 0 || len(report.Released) != len(ids) || report.Trouble == nil || len(r.results) != 0 {
				t.Errorf("%+v, %v", report, r.results)
			}
			for _, id := range ids {
				s.mustBeLocal(id, "")
			}
			s.provider.ClearFaults()
			if report, _ := s.moveAll(s.mover(), ids); report.Moved != len(ids) {
				t.Errorf("the next: %+v", report)
			}
		})
	}
}

// M2: a killed batch's claims lapse; the next one looks at Firebase first.
func TestMove_KilledAtEachStep(t *testing.T) {
	for _, at := range []string{"import", "import answered"} {
		t.Run(at, func(t *testing.T) {
			s := newStage(t)
			ids := s.locals(10)
			s.dies(at, func(identities move.Identities) {
				_, _ = s.mover(with(identities)).Move(t.Context(), move.Batch{IDs: ids, Actor: "cli:test", Record: (&recorder{}).record})
			})
			report, r := s.moveAll(s.mover(), ids)
			if report.Moved != 0 || r.results[ids[0]].Code != move.CodeClaimed || r.results[ids[0]].Outcome != move.OutcomeUnsettled {
				t.Errorf("before the lapse: %+v, %+v", report, r.results[ids[0]])
			}
			for _, id := range ids {
				s.lapse(id)
			}
			imports := s.requests("batchCreate")
			if report, _ := s.moveAll(s.mover(), ids); report.Moved != len(ids) {
				t.Errorf("after the lapse: %+v", report)
			}
			if again := s.requests("batchCreate") - imports; (again != 0) != (at == "import") || s.accounts() != len(ids) {
				t.Errorf("%d imports more, %d accounts", again, s.accounts())
			}
			for _, id := range ids {
				s.mustBeMoved(id, id.String(), "")
			}
		})
	}
}

// M7: a changed row's fresh account keeps no old password.
func TestMove_RowsThatChangeMeanwhile(t *testing.T) {
	s := newStage(t)
	ids := s.locals(7)
	another := hashOf(t, "another password")
	changes := []struct{ statement, outcome, code string }{
		{"UPDATE auth.users SET password_hash = '" + another + "' WHERE id = $1", move.OutcomeUnsettled, move.CodeChanged},
		{"UPDATE auth.users SET is_active = false WHERE id = $1", move.OutcomeNotMovable, move.CodeDeactivated},
		{"UPDATE auth.users SET user_type = 'admin' WHERE id = $1", move.OutcomeUnsettled, move.CodeChanged},
		{"UPDATE auth.users SET email = 'new@example.com' WHERE id = $1", move.OutcomeUnsettled, move.CodeChanged},
		{"DELETE FROM auth.users WHERE id = $1", move.OutcomeNotMovable, move.CodeDeleted},
		{"UPDATE auth.users SET firebase_uid = id::text, auth_provider = 'hybrid', federation_status = 'active' WHERE id = $1", move.OutcomeNotMovable, move.CodeMoved},
	}
	m := s.mover(with(wrapped{s.client, func(operation string) error {
		if operation == "import answered" {
			for i, change := range changes {
				s.exec(change.statement, ids[i])
			}
		}
		return nil
	}}))
	report, r := s.moveAll(m, ids)
	if report.Moved != 1 {
		t.Errorf("%+v", report)
	}
	for i, change := range changes {
		if got := r.results[ids[i]]; got.Outcome != change.outcome || got.Code != change.code {
			t.Errorf("%s: recorded %+v", change.statement, got)
		}
		_, exists := s.provider.User(ids[i].String())
		if exists != (change.code == move.CodeMoved) {
			t.Errorf("%s: the account is there: %t", change.statement, exists)
		}
	}
	s.mustBeMoved(ids[6], ids[6].String(), password)
	if report, _ := s.moveAll(s.mover(), ids[:1]); report.Moved != 1 {
		t.Errorf("with its new password: %+v", report)
	}
	s.mustBeMoved(ids[0], ids[0].String(), "another password")
}

// What only another program or a sign-in changes is not tried again and again.
func TestMove_RowsThatAreNotToMove(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ids := s.locals(4)
	s.exec("UPDATE auth.users SET federation_status = 'disabled' WHERE id = $1", ids[0])
	s.exec("UPDATE auth.users SET is_active = false WHERE id = $1", ids[1])
	s.exec("UPDATE auth.users SET password_hash = NULL, auth_provider = 'firebase', firebase_uid = NULL WHERE id = $1", ids[2])
	s.exec(`WITH parameters AS (
			INSERT INTO auth.firebase_hash_configs (project, version, algorithm, signer_key, salt_separator, rounds, memory_cost)
			VALUES ('demo-test', 1, 'SCRYPT', decode(repeat('00', 32), 'hex'), '', 8, 4) RETURNING id
		)
		INSERT INTO auth.firebase_passwords (user_id, config_id, hash, salt, local_hash, password_set_at)
		SELECT users.id, parameters.id, decode(repeat('00', 32), 'hex'), '', users.password_hash, now()
		FROM auth.users AS users, parameters WHERE users.id = $1`, ids[3])
	_, r := s.moveAll(s.mover(), ids)
	for i, code := range []string{move.CodeDeactivated, move.CodeDeactivated, move.CodeNotLocal, move.CodeReturned} {
		if got := r.results[ids[i]]; got.Outcome != move.OutcomeNotMovable || got.Code != code {
			t.Errorf("recorded %+v, expected %s", got, code)
		}
	}
}

// A used account stays, and an operator decides.
func TestMove_AnAccountThatWasUsedStays(t *testing.T) {
	s := newStage(t)
	ids := s.locals(1)
	m := s.mover(with(wrapped{s.client, func(operation string) error {
		if operation == "import answered" {
			s.exec("UPDATE auth.users SET is_active = false WHERE id = $1", ids[0])
			if _, err := s.client.SignIn(t.Context(), s.state(ids[0]).email, password); err != nil {
				t.Error(err)
			}
		}
		return nil
	}}))
	_, r := s.moveAll(m, ids)
	account, exists := s.provider.User(ids[0].String())
	if got := r.results[ids[0]]; got.Outcome != move.OutcomeConflict || got.Code != "account_used" || !exists || account.Disabled {
		t.Errorf("recorded %+v, account %+v", got, account)
	}
}

// Two batches and sign-ins at once: each user moves once.
func TestMove_Races(t *testing.T) {
	s := newStage(t)
	ids := s.locals(40)
	var all sync.WaitGroup
	recorders := make([]recorder, 3)
	for i := range recorders {
		all.Go(func() {
			if _, err := s.mover().Move(t.Context(), move.Batch{IDs: ids, Actor: fmt.Sprint("cli:", i), Record: recorders[i].record}); err != nil {
				t.Error(err)
			}
		})
	}
	for _, id := range ids[:20] {
		all.Go(func() { _, _ = s.mover().AtSignIn(t.Context(), id, password) })
	}
	all.Wait()
	for _, id := range ids {
		s.mustBeMoved(id, id.String(), password)
	}
	if s.accounts() != len(ids) {
		t.Errorf("%d accounts", s.accounts())
	}
}

func TestMove_Canary(t *testing.T) {
	s := newStage(t)
	canary := firebase.ImportUser{UID: "canary-of-a-run", Email: "canary@moves.invalid", PasswordHash: plainHash()}
	for range 2 {
		report, err := s.mover().Move(t.Context(), move.Batch{IDs: s.locals(3), Actor: "cli:test", Canary: &canary, Record: (&recorder{}).record})
		if err != nil || !report.Canary || report.Moved != 3 {
			t.Errorf("%+v, %v", report, err)
		}
		if _, err := s.client.SignIn(t.Context(), canary.Email, password); err != nil {
			t.Error(err)
		}
		if err := s.client.DeleteUser(t.Context(), canary.UID); err != nil {
			t.Error(err)
		}
	}
}
