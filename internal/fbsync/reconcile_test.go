package fbsync_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/fbsync"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/user"
)

type vendor interface {
	fbsync.Accounts
	user.Accounts
}

func (s *stage) reconciler(accounts vendor, is fbsync.Project) *fbsync.Reconciler {
	nobody := func(context.Context, uuid.UUID) {}
	return fbsync.NewReconciler(fbsync.ReconcilerOptions{
		Pool: s.pool, Accounts: accounts, Outbox: s.outbox, Project: is, OnChange: nobody, Logger: slog.New(slog.DiscardHandler),
		Clocks: s.clocks,
		Rows: user.NewStore(user.Options{
			Pool: s.pool, Accounts: accounts, EnqueueSync: s.outbox.Enqueue, OnChange: nobody, OnSight: func(user.Sight) {},
			Logger: slog.New(slog.DiscardHandler),
		}),
	})
}

func (s *stage) reconcile(want error) fbsync.Report {
	s.Helper()
	report, err := s.reconciler(s.client, fbsync.Project{ID: project}).Run(s.Context(), fbsync.RunOptions{Actor: "cli:test"})
	if !errors.Is(err, want) {
		s.Fatalf("reconciling ended with %v, expected %v", err, want)
	}
	return report
}

const crowdRows = `INSERT INTO auth.users (id, firebase_uid, auth_provider, email, username, provider_data, created_at, updated_at)
		SELECT gen_random_uuid(), 'uid-of-the-person-number-' || i, 'firebase', 'person' || i || '@example.com', 'person ' || i,
			'{"provider": "google.com", "email_verified": true}', now() - interval '3 days', now() - interval '3 days'
		FROM generate_series($1::bigint + 1, $1::bigint + $2::bigint) AS i`

func (s *stage) crowd(n int) []person {
	s.Helper()
	first := people.Add(int64(n)) - int64(n)
	s.exec(crowdRows, first, n)
	crowd := make([]person, n)
	for i := range crowd {
		number := first + int64(i) + 1
		crowd[i].uid = fmt.Sprintf("uid-of-the-person-number-%d", number)
		account := identity.User{UID: crowd[i].uid, Email: fmt.Sprintf("person%d@example.com", number), EmailVerified: true}
		if _, err := s.provider.PutUser(account); err != nil {
			s.Fatal(err)
		}
	}
	for i := range crowd {
		if i < 200 {
			crowd[i].id = ask[uuid.UUID](s, `SELECT id FROM auth.users WHERE firebase_uid = $1`, crowd[i].uid)
		}
	}
	return crowd
}

func reconcileUsers(t *testing.T) int {
	if text := os.Getenv("RECONCILE_USERS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 2000
}

func peak(f func()) (above uint64) {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	began, done := m.HeapAlloc, make(chan struct{})
	most := make(chan uint64)
	go func() {
		highest := began
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				most <- highest - began
				return
			case <-tick.C:
				runtime.ReadMemStats(&m)
				highest = max(highest, m.HeapAlloc)
			}
		}
	}()
	f()
	close(done)
	return <-most
}

// RECONCILE_USERS sets the number of users.
func TestReconcile_EveryKindOfDifference_S2(t *testing.T) {
	s := newStage(t)
	all := s.crowd(reconcileUsers(t))
	at := 0
	some := func(n int) []person { at += n; return all[at-n : at] }
	each := func(who []person, sql string) {
		for _, p := range who {
			s.exec(sql, p.id)
		}
	}
	inactive, revoked, moved, closed, gone, taken := some(20), some(20), some(20), some(20), some(5), some(3)
	each(inactive, `UPDATE auth.users SET is_active = false WHERE id = $1`)
	each(revoked, `UPDATE auth.users SET tokens_valid_after = date_trunc('second', clock_timestamp()) + interval '1 second' WHERE id = $1`)
	for i, p := range moved {
		s.provider.SetEmail(p.uid, fmt.Sprintf("moved%d@example.com", i), true)
	}
	for _, p := range closed {
		s.provider.SetDisabled(p.uid, true)
	}
	for _, p := range gone {
		s.provider.DeleteUser(p.uid)
	}
	for i, p := range taken {
		address := fmt.Sprintf("held%d@example.com", i)
		s.exec(`INSERT INTO auth.users (email, auth_provider, password_hash) VALUES ($1, 'local', 'x')`, address)
		s.provider.SetEmail(p.uid, address, true)
	}
	s.exec(`INSERT INTO auth.users (id, firebase_uid, auth_provider, email, federation_status, user_type, token_balance, created_at, updated_at)
		SELECT id, id::text, 'firebase', 'half' || i || '@example.com', 'syncing', 'user', 0, now() - age, now() - age
		FROM (SELECT gen_random_uuid() AS id, i, CASE WHEN i > 4 THEN interval '1 hour' ELSE interval '2 days' END AS age
			FROM generate_series(1, 6) AS i) AS halves`)
	if _, err := s.provider.PutUser(identity.User{UID: "an-account-that-nobody-has-seen", Email: "unseen@example.com"}); err != nil {
		t.Fatal(err)
	}

	var report fbsync.Report
	began := time.Now()
	above := peak(func() { report = s.reconcile(nil) })
	t.Logf("%d users: %+v in %s, heap at most %d MiB above where it began", len(all), report, time.Since(began).Round(time.Millisecond), above>>20)
	want := fbsync.Report{
		Listed: len(all) - len(gone) + 1, WithoutRow: 1, Owed: 40, Updated: 40, Failed: 3, Gone: 5, Cleared: 4, Took: report.Took,
	}
	if report != want {
		t.Errorf("S2: found   %+v\nexpected %+v", report, want)
	}
	s.work(s.client)
	s.awaitPaid(time.Minute)
	for _, p := range append(inactive, revoked...) {
		s.expectEqual(p)
	}
	for i, p := range moved {
		if is := ask[string](s, `SELECT email FROM auth.users WHERE id = $1`, p.id); is != fmt.Sprintf("moved%d@example.com", i) {
			t.Errorf("S1: the row of %s has the address %s still", p.uid, is)
		}
	}
	for _, p := range append(closed, gone...) {
		if is := ask[string](s, `SELECT federation_status FROM auth.users WHERE id = $1`, p.id); is != "disabled" {
			t.Errorf("S2: the row of %s is %s, expected disabled", p.uid, is)
		}
		if n := ask[int64](s, `SELECT count(*) FROM auth.audit_events WHERE user_id = $1`, p.id); n != 1 {
			t.Errorf("O4: %d events are on record for %s, expected 1", n, p.uid)
		}
	}
	if n := ask[int64](s, `SELECT count(*) FROM auth.users WHERE federation_status = 'syncing'`); n != 2 {
		t.Errorf("A1: %d unfinished registrations are left, expected the 2 of this day", n)
	}
	if n := ask[int64](s, `SELECT count(*) FROM auth.audit_events WHERE action = 'reconcile.finished' AND details ->> 'gone' = '5'`); n != 1 {
		t.Errorf("%d records of the run, expected 1", n)
	}
	again := s.reconcile(nil)
	if again.Owed != 0 || again.Updated != 0 || again.Gone != 0 || again.Cleared != 0 {
		t.Errorf("S2: a second run found %+v, expected nothing left to do", again)
	}
}

// S2: a dry run changes nothing.
func TestReconcile_DryRun(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	all := s.crowd(20)
	s.provider.SetDisabled(all[0].uid, true)
	s.provider.DeleteUser(all[1].uid)
	s.exec(`UPDATE auth.users SET is_active = false WHERE id = $1`, all[2].id)
	report, err := s.reconciler(s.client, fbsync.Project{ID: project}).Run(t.Context(), fbsync.RunOptions{Actor: "cli:test", DryRun: true})
	if err != nil || report.Updated != 1 || report.Gone != 1 || report.Owed != 1 {
		t.Errorf("it found %+v (%v), expected one of each", report, err)
	}
	if n := ask[int64](s, `SELECT count(*) FROM auth.users WHERE federation_status = 'disabled'`); n != 0 || ask[int64](s, unfinished) != 0 {
		t.Errorf("a dry run has changed something: %d rows", n)
	}
}

// halved cuts Firebase's list short.
type halved struct {
	*firebase.Client
	after int
}

func (h halved) List(ctx context.Context, page string) ([]firebase.User, string, error) {
	users, _, err := h.Client.List(ctx, page)
	return users[:min(len(users), h.after)], "", err
}

func TestReconcile_RefusesAListCutInHalf_S2(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.crowd(400)
	report, err := s.reconciler(halved{s.client, 200}, fbsync.Project{ID: project}).Run(t.Context(), fbsync.RunOptions{Actor: "cli:test"})
	if !errors.Is(err, fbsync.ErrListCut) {
		t.Errorf("S2: it ended with %v, expected %v", err, fbsync.ErrListCut)
	}
	s.expectNobodyDisabled()
	t.Logf("half a list: %+v", report)
	s.reconcile(nil) // the lease was released
}

func TestReconcile_StopsWhereTooManyAreGone_S2(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	all := s.crowd(400)
	for _, p := range all[:10] {
		s.provider.DeleteUser(p.uid)
	}
	s.reconcile(fbsync.ErrManyGone)
	s.expectNobodyDisabled()
	if n := ask[int64](s, `SELECT count(*) FROM auth.audit_events WHERE action = 'reconcile.stopped' AND details ->> 'reason' = 'many_gone'`); n != 1 {
		t.Errorf("%d records of the refusal, expected 1", n)
	}
	s.exec(`UPDATE auth.users SET auth_provider = 'local', password_hash = 'x' WHERE id = $1`, all[0].id)
	if report := s.reconcile(nil); report.Gone != 9 {
		t.Errorf("S2: with 9 gone %d rows were disabled, expected 9", report.Gone)
	}
}

func TestReconcile_AnOperatorVouchesForGoneAccounts_S2(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, p := range s.crowd(30)[:12] {
		s.provider.DeleteUser(p.uid)
	}
	run := func(most int) (fbsync.Report, error) {
		return s.reconciler(s.client, fbsync.Project{ID: project}).Run(t.Context(), fbsync.RunOptions{Actor: "cli:test", MaxGone: most})
	}
	if _, err := run(11); !errors.Is(err, fbsync.ErrManyGone) {
		t.Errorf("12 are gone and 11 vouched for: it ended with %v, expected %v", err, fbsync.ErrManyGone)
	}
	s.expectNobodyDisabled()
	if report, err := run(12); err != nil || report.Gone != 12 {
		t.Errorf("12 are gone and vouched for: %+v, %v", report, err)
	}
}

func TestReconcile_OneBadAccountStopsNobody(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	all := s.crowd(12)
	for i, p := range all {
		s.provider.SetEmail(p.uid, fmt.Sprintf("moved-beside-poison%d@example.com", i), true)
	}
	bad := poisoned{s.client, map[string]func(*firebase.User){
		all[6].uid:  func(u *firebase.User) { u.DisplayName = "Jane\x00" },
		all[7].uid:  func(u *firebase.User) { u.Email = "no\x00address" },
		all[8].uid:  func(u *firebase.User) { u.PhotoURL, u.DisplayName = "\x00", "\xff\xfe" },
		all[9].uid:  func(u *firebase.User) { u.Phone = "\x00" },
		all[10].uid: func(u *firebase.User) { u.UID = "uid-with-nul-\x00-in-its-middle" },
	}}
	report, err := s.reconciler(bad, fbsync.Project{ID: project}).Run(t.Context(), fbsync.RunOptions{Actor: "cli:test"})
	if err != nil || report.Updated < 7 || report.Failed < 3 {
		t.Errorf("beside bad accounts: %+v, %v; expected seven rows updated at least, and three failed", report, err)
	}
	if n := ask[int64](s, `SELECT count(*) FROM auth.users WHERE email LIKE 'moved-beside-poison%'`); n < 7 {
		t.Errorf("%d of the 7 rows beside bad accounts follow", n)
	}
	if report.Gone != 0 {
		t.Errorf("%d rows were taken for gone", report.Gone)
	}
}

// poisoned returns values that PostgreSQL cannot store.
type poisoned struct {
	*firebase.Client
	change map[string]func(*firebase.User)
}

func (p poisoned) List(ctx context.Context, page string) ([]firebase.User, string, error) {
	users, next, err := p.Client.List(ctx, page)
	for i := range users {
		if change := p.change[users[i].UID]; change != nil {
			change(&users[i])
		}
	}
	return users, next, err
}

func (p poisoned) User(ctx context.Context, uid string) (firebase.User, error) {
	u, err := p.Client.User(ctx, uid)
	if change := p.change[uid]; change != nil && err == nil {
		change(&u)
	}
	return u, err
}

func (s *stage) expectNobodyDisabled() {
	s.Helper()
	if n := ask[int64](s, `SELECT count(*) FROM auth.users WHERE federation_status = 'disabled'`); n != 0 {
		s.Errorf("S2: %d people were disabled", n)
	}
}

func TestReconcile_RefusesAWrongProject_S2(t *testing.T) {
	t.Parallel()
	s, other := newStage(t), newStage(t)
	s.crowd(50)
	if _, err := s.reconciler(other.client, fbsync.Project{ID: "another"}).Run(t.Context(), fbsync.RunOptions{Actor: "cli:test"}); !errors.Is(err, fbsync.ErrManyGone) {
		t.Errorf("S2: a first run against a wrong project ended with %v, expected %v", err, fbsync.ErrManyGone)
	}
	var wrong *fbsync.WrongProjectError
	if _, err := s.reconciler(s.client, fbsync.Project{ID: project}).Run(t.Context(), fbsync.RunOptions{Actor: "cli:test"}); !errors.As(err, &wrong) {
		t.Errorf("S2: another project than the remembered one: %v, expected a refusal", err)
	}
	if _, err := s.reconciler(other.client, fbsync.Project{ID: "another", Tenant: "a"}).Run(t.Context(), fbsync.RunOptions{Actor: "cli:test"}); !errors.As(err, &wrong) {
		t.Errorf("S2: another tenant than the remembered one: %v, expected a refusal", err)
	}
	s.expectNobodyDisabled()
}

// S2: one run holds the lease.
func TestReconcile_OneAtATime(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.crowd(5)
	s.reconcile(nil)
	s.exec(`UPDATE auth.firebase_project SET reconciling_by = 'somebody', reconciling_until = now() + interval '1 minute'`)
	s.reconcile(fbsync.ErrNotNow)
	s.exec(`UPDATE auth.firebase_project SET reconciling_until = now() - interval '1 second'`)
	s.reconcile(nil)
}

func TestReconcile_AnOutageIsNoEvidence_S2(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	all := s.crowd(30)
	s.provider.DeleteUser(all[0].uid)
	if err := s.provider.AddFaults(identity.Fault{Match: "accounts:lookup", Kind: identity.FaultUnavailable}); err != nil {
		t.Fatal(err)
	}
	s.reconcile(firebase.ErrUnreachable)
	s.expectNobodyDisabled()
}

type listed struct {
	*firebase.Client
	first, n int
}

func (l listed) List(_ context.Context, page string) (users []firebase.User, next string, err error) {
	at := 0
	if page != "" {
		if at, err = strconv.Atoi(page); err != nil {
			return nil, "", err
		}
	}
	for ; at < l.n && len(users) < firebase.MaxList; at++ {
		number := l.first + at + 1
		users = append(users, firebase.User{
			UID: fmt.Sprintf("uid-of-the-person-number-%d", number), Email: fmt.Sprintf("person%d@example.com", number), EmailVerified: true,
		})
	}
	if at < l.n {
		next = strconv.Itoa(at)
	}
	return users, next, nil
}

func TestReconcile_MemoryIsFlat_S2(t *testing.T) {
	s := newStage(t)
	const n = 30_000
	first := people.Add(n) - n
	s.exec(crowdRows, first, n)
	var report fbsync.Report
	above := peak(func() {
		var err error
		report, err = s.reconciler(listed{s.client, int(first), n}, fbsync.Project{ID: project}).Run(t.Context(), fbsync.RunOptions{Actor: "cli:test"})
		if err != nil {
			t.Error(err)
		}
	})
	t.Logf("%d users: %+v, heap at most %d MiB above where it began", n, report, above>>20)
	if report.Listed != n || above > 24<<20 {
		t.Errorf("S2: %d listed, and %d MiB above; expected %d and 24 at most", report.Listed, above>>20, n)
	}
}
