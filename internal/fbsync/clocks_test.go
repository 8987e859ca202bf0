package fbsync_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"auth-v2-service/internal/clock"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/fbsync"
	"auth-v2-service/internal/firebase"
)

func seenAhead(ahead time.Duration) *clock.Clocks {
	clocks := clock.New(clock.Options{})
	now := time.Now()
	clocks.ReadPostgreSQL(now, now, now)
	clocks.ReadFirebase(now, now, http.Header{"Date": {now.Add(ahead).UTC().Format(http.TimeFormat)}})
	return clocks
}

const revokeAhead = `UPDATE auth.users SET updated_at = clock_timestamp(),
	tokens_valid_after = date_trunc('second', clock_timestamp()) + interval '4 minutes' WHERE id = $1`

func TestRevocation_ReachesAFirebaseWhoseClockIsAhead_S3_T4(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.clocks = seenAhead(4 * time.Minute)
	p := s.person()
	s.work(s.client)
	s.change(revokeAhead, p)
	s.awaitPaid(20 * time.Second)
	s.expectEqual(p)

	missed := s.person()
	s.exec(revokeAhead, missed.id)
	if report := s.reconcile(nil); report.Owed != 1 {
		t.Errorf("S3: a reconciliation owes %d accounts their revocation, expected 1", report.Owed)
	}
	s.awaitPaid(20 * time.Second)
	s.expectEqual(missed)
}

type registering struct {
	*firebase.Client
	register func()
}

func (r registering) List(ctx context.Context, page string) ([]firebase.User, string, error) {
	users, next, err := r.Client.List(ctx, page)
	r.register()
	return users, next, err
}

func TestReconcile_NewcomersAreNoCutList_S2_T4(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.clocks = clock.New(clock.Options{Now: func() time.Time { return time.Now().Add(5 * time.Minute) }})
	s.crowd(3)
	accounts := registering{s.client, func() {
		for i := range 8 {
			uid := fmt.Sprintf("uid-of-the-newcomer-number-%d", i)
			s.exec(`INSERT INTO auth.users (id, firebase_uid, auth_provider, email, created_at, updated_at)
				VALUES (gen_random_uuid(), $1, 'firebase', $2, now(), now())`, uid, uid+"@example.com")
			if _, err := s.provider.PutUser(identity.User{UID: uid, Email: uid + "@example.com"}); err != nil {
				s.Fatal(err)
			}
		}
	}}
	report, err := s.reconciler(accounts, fbsync.Project{ID: project}).Run(t.Context(), fbsync.RunOptions{Actor: "cli:test"})
	if err != nil || report.FoundByLookUp != 0 {
		t.Errorf("S2: %+v, %v; expected a run that goes through and looks none of them up", report, err)
	}
}
