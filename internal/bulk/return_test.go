package bulk_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/crypto/bcrypt"

	"auth-v2-service/internal/bulk"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/rollback"
	"auth-v2-service/internal/user"
)

func (s *stage) withReturner(o *bulk.Options) {
	o.Returner = rollback.New(rollback.Options{
		Pool: s.pool, Accounts: s.client, Users: user.NewStore(user.Options{Pool: s.pool}), Project: "demo-test",
	})
}

// movedUsers has users that a run moved, and the run.
func (s *stage) movedUsers(n int) ([]uuid.UUID, bulk.Run) {
	s.Helper()
	ids := s.locals(n)
	b := s.service()
	run := s.carry(b, s.start(b, bulk.Plan{}).ID)
	s.mustBeMoved(ids)
	return ids, run
}

// mustBeHome expects local rows that the password from before the move opens.
func (s *stage) mustBeHome(ids []uuid.UUID) {
	s.Helper()
	for _, id := range ids {
		var hash, uid string
		if err := s.pool.QueryRow(s.Context(), "SELECT password_hash, firebase_uid FROM auth.users WHERE id = $1 AND auth_provider = 'local'", id).Scan(&hash, &uid); err != nil {
			s.Errorf("M7: user %s: %v", id, err)
			continue
		}
		if uid != id.String() || bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) != nil {
			s.Errorf("M7: the old password does not open user %s", id)
		}
	}
	if n := s.count("SELECT count(DISTINCT user_id) FROM auth.audit_events WHERE action = 'user.returned' AND user_id = ANY($1)", ids); n != len(ids) {
		s.Errorf("M7: %d of %d returns are recorded", n, len(ids))
	}
	if n := len(s.provider.Users()); n < len(ids) {
		s.Errorf("M7: %d accounts of %d users", n, len(ids))
	}
}

func TestReturn_AllUsersThereAndBack_M7(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ids, moved := s.movedUsers(1_500)
	s.exec("UPDATE auth.rollout SET traffic_buckets = 0") // the plan takes traffic back first
	states := map[string]int{}
	b := s.service(s.withReturner, func(o *bulk.Options) {
		o.OnState = func(kind, state, reason string) { states[kind+" "+state+" "+reason]++ }
	})
	preview, err := b.PreviewReturn(t.Context(), bulk.Plan{})
	if err != nil || preview.Users != 1_500 || preview.Home != 1_500 || preview.OldService != 1_500 || preview.SignedIn != 1_500 {
		t.Errorf("the preview is %+v, %v", preview, err)
	}
	run := s.carry(b, s.start(b, bulk.Plan{Kind: bulk.KindReturn}).ID)
	if run.State != bulk.Done || run.Kind != bulk.KindReturn || run.Moved != 1_500 || run.Failed+run.Skipped+run.Pending != 0 {
		t.Errorf("the run is %+v", run)
	}
	if states["return running "] != 1 || states["return done "] != 1 {
		t.Errorf("O3: the states are counted as %v", states)
	}
	s.mustBeHome(ids)
	for _, act := range []string{"return.started", "return.ended"} {
		if n := s.count("SELECT count(*) FROM auth.audit_events WHERE action = $1", act); n != 1 {
			t.Errorf("%d events %s", n, act)
		}
	}
	if of, err := b.MovedBy(t.Context(), moved.ID); err != nil || len(of) != 1_500 || !slices.IsSortedFunc(of, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }) {
		t.Errorf("the first run moved %d, %v", len(of), err)
	}
}

func TestReturn_NamedUsersAndThoseWithoutAnAccount_M7(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ids, _ := s.movedUsers(4)
	local := s.locals(1)[0]
	if err := s.client.DeleteUser(t.Context(), ids[1].String()); err != nil {
		t.Fatal(err)
	}
	b := s.service(s.withReturner, func(o *bulk.Options) { o.Patience = time.Millisecond })
	run := s.carry(b, s.start(b, bulk.Plan{Kind: bulk.KindReturn, Selection: bulk.IDs, IDs: []uuid.UUID{ids[0], ids[1], local}}).ID)
	if run.Moved != 1 || run.Skipped != 1 || run.Failed != 1 || run.Codes[rollback.CodeAccountMissing] != 1 {
		t.Errorf("named: the run is %+v", run)
	}
	run = s.carry(b, s.start(b, bulk.Plan{Kind: bulk.KindReturn}).ID)
	if run.Moved != 2 || run.Failed != 1 || run.Codes[rollback.CodeAccountMissing] != 1 {
		t.Errorf("all: the run is %+v", run)
	}
	s.mustBeHome([]uuid.UUID{ids[0], ids[2], ids[3]})
}

// badDays spoils Firebase's answers to Export from the second on; Prepare has the first.
type badDays struct {
	*firebase.Client
	exports atomic.Int64
	spoil   func(export int64) error
}

func (b *badDays) Export(ctx context.Context, page string, limit int) ([]firebase.ExportedUser, string, error) {
	if err := b.spoil(b.exports.Add(1)); err != nil {
		return nil, "", err
	}
	return b.Client.Export(ctx, page, limit)
}

func TestReturn_FirebasesBadDays_M7(t *testing.T) {
	t.Parallel()
	always := func(err error) func(int64) error {
		return func(n int64) error {
			if n > 1 {
				return err
			}
			return nil
		}
	}
	for what, c := range map[string]struct {
		spoil  func(int64) error
		reason string
	}{
		"one outage": {func(n int64) error {
			if n == 3 {
				return firebase.ErrUnreachable
			}
			return nil
		}, ""},
		"away":             {always(firebase.ErrUnreachable), bulk.ReasonUnreachable},
		"quota":            {always(firebase.ErrQuota), bulk.ReasonQuota},
		"an unknown error": {always(errors.New("what")), bulk.ReasonRefused},
		"hidden hashes":    {always(firebase.ErrHashConfigHidden), bulk.ReasonHashes},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			ids, _ := s.movedUsers(3)
			spoiled := &badDays{Client: s.client, spoil: c.spoil}
			b := s.service(func(o *bulk.Options) {
				o.Backoff = time.Millisecond
				o.Returner = rollback.New(rollback.Options{
					Pool: s.pool, Accounts: spoiled, Users: user.NewStore(user.Options{Pool: s.pool}), Project: "demo-test",
				})
			})
			run := s.carry(b, s.start(b, bulk.Plan{Kind: bulk.KindReturn}).ID)
			if c.reason != "" {
				if run.State != bulk.Paused || run.Reason != c.reason || run.Moved != 0 {
					t.Fatalf("the run is %+v", run)
				}
				spoiled.spoil = func(int64) error { return nil }
				if _, err := b.Resume(t.Context(), run.ID, somebody); err != nil {
					t.Fatal(err)
				}
				run = s.carry(b, run.ID)
			}
			if run.State != bulk.Done || run.Moved != 3 {
				t.Errorf("the run is %+v", run)
			}
			s.mustBeHome(ids)
		})
	}
}

// paged changes the answers of Export.
type paged struct {
	*firebase.Client
	edit func(page string, users []firebase.ExportedUser, next string) ([]firebase.ExportedUser, string, error)
}

func (p *paged) Export(ctx context.Context, page string, limit int) ([]firebase.ExportedUser, string, error) {
	users, next, err := p.Client.Export(ctx, page, limit)
	if err != nil {
		return users, next, err
	}
	return p.edit(page, users, next)
}

func (s *stage) withExport(accounts rollback.Accounts) func(*bulk.Options) {
	return func(o *bulk.Options) {
		o.Backoff = time.Millisecond
		o.Returner = rollback.New(rollback.Options{
			Pool: s.pool, Accounts: accounts, Users: user.NewStore(user.Options{Pool: s.pool}), Project: "demo-test",
		})
	}
}

// The next run looks again at users that a stopped one has made local.
func TestReturn_AFullPageAtARate_M7(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ids, _ := s.movedUsers(1_001)
	b := s.service(s.withReturner)
	run := s.carry(b, s.start(b, bulk.Plan{Kind: bulk.KindReturn, Rate: 50_000}).ID)
	if run.State != bulk.Done || run.Moved != int64(len(ids)) {
		t.Errorf("the run is %+v", run)
	}
}

func TestReturn_OneQuotaRefusalIsNoStandstill_M7(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.movedUsers(1_500)
	spoiled := &badDays{Client: s.client, spoil: func(n int64) error {
		if n == 4 { // Prepare's, two looks at the first page, the second page
			return firebase.ErrQuota
		}
		return nil
	}}
	b := s.service(s.withExport(spoiled))
	id := s.start(b, bulk.Plan{Kind: bulk.KindReturn}).ID
	var pace float64
	if err := b.Carry(t.Context(), id, uuid.New(), func(d bulk.BatchDone) { pace = d.Pace }); err != nil {
		t.Fatal(err)
	}
	if pace <= 20 {
		t.Errorf("after 1,000 users in no time, one refusal slows the run to %.0f users a second", pace)
	}
}

func TestReturn_OfARunWithADeletedUser_M7(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ids, moved := s.movedUsers(3)
	s.exec("DELETE FROM auth.users WHERE id = $1", ids[0])
	b := s.service(s.withReturner)
	of, err := b.MovedBy(t.Context(), moved.ID)
	if err != nil {
		t.Fatal(err)
	}
	plan := bulk.Plan{Kind: bulk.KindReturn, Selection: bulk.IDs, IDs: of}
	if err := b.Allowed(t.Context(), plan); err != nil {
		t.Fatalf("M7: %v", err)
	}
	if run := s.carry(b, s.start(b, plan).ID); run.State != bulk.Done || run.Moved != 2 {
		t.Errorf("the run is %+v", run)
	}
	s.mustBeHome(ids[1:])
}

func TestReturn_APageTokenThatHasExpired_M7(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ids, _ := s.movedUsers(3)
	b := s.service(s.withExport(&paged{s.client, func(page string, users []firebase.ExportedUser, next string) ([]firebase.ExportedUser, string, error) {
		if page == "old" {
			return nil, "", firebase.ErrRefused.With(firebase.ErrUnknown)
		}
		return users, next, nil
	}}))
	id := s.start(b, bulk.Plan{Kind: bulk.KindReturn}).ID
	s.exec("UPDATE auth.bulk_runs SET page_token = 'old' WHERE id = $1", id)
	if run := s.carry(b, id); run.State != bulk.Done || run.Moved != 3 {
		t.Errorf("M7: the run is %+v", run)
	}
	s.mustBeHome(ids)
}

func TestReturn_APageThatShowsAUserTwice_M7(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ids, _ := s.movedUsers(3)
	b := s.service(s.withExport(&paged{s.client, func(_ string, users []firebase.ExportedUser, next string) ([]firebase.ExportedUser, string, error) {
		return append(users, users...), next, nil
	}}))
	if preview, err := b.PreviewReturn(t.Context(), bulk.Plan{}); err != nil || preview.Home != 3 {
		t.Errorf("the preview is %+v, %v", preview, err)
	}
	if run := s.carry(b, s.start(b, bulk.Plan{Kind: bulk.KindReturn}).ID); run.State != bulk.Done || run.Moved != 3 {
		t.Errorf("M7: the run is %+v", run)
	}
	s.mustBeHome(ids)
}

func TestReturn_StoppedBetweenTwoLooks_M7(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ids, _ := s.movedUsers(3)
	looks := 0
	var b *bulk.Service
	var id uuid.UUID
	b = s.service(s.withExport(&paged{s.client, func(_ string, users []firebase.ExportedUser, next string) ([]firebase.ExportedUser, string, error) {
		if looks++; looks == 3 {
			if _, err := b.Stop(context.WithoutCancel(t.Context()), id, somebody); err != nil {
				t.Error(err)
			}
			return nil, "", errors.New("what")
		}
		return users, next, nil
	}}))
	id = s.start(b, bulk.Plan{Kind: bulk.KindReturn}).ID
	if run := s.carry(b, id); run.State != bulk.Stopped || run.Pending != 3 {
		t.Fatalf("the stopped run is %+v", run)
	}
	if preview, err := b.PreviewReturn(t.Context(), bulk.Plan{}); err != nil || preview.Home != 3 || preview.Users != 3 {
		t.Errorf("the preview is %+v, %v", preview, err)
	}
	for _, moved := range []int64{3, 0} {
		if run := s.carry(b, s.start(b, bulk.Plan{Kind: bulk.KindReturn}).ID); run.State != bulk.Done || run.Moved != moved || run.Failed+run.Pending != 0 {
			t.Errorf("M7: the run is %+v, expected %d users", run, moved)
		}
	}
	s.mustBeHome(ids)
	if n := s.count("SELECT count(*) FROM auth.audit_events WHERE action = 'user.returned'"); n != 3 {
		t.Errorf("%d returns of 3 users are recorded", n)
	}
}
