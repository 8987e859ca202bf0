package fbsync_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/firebase"
)

func TestFollow_TheAccountFollowsTheRow_S3(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.person()
	for range 5 {
		s.change(revoke, p)
	}
	s.change(deactivate, p)
	if owed := ask[int64](s, unfinished); owed != 1 {
		t.Errorf("S3: six changes of one user are %d jobs, expected 1", owed)
	}
	s.work(s.client)
	s.work(s.client)
	s.awaitPaid(20 * time.Second)
	s.expectEqual(p)
	s.change(reactivate, p)
	s.awaitPaid(20 * time.Second)
	s.expectEqual(p)
}

func TestOwe_TheJobHoldsNoSecret_S3(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.person()
	s.change(deactivate, p)
	if args := ask[string](s, `SELECT args::text FROM auth.river_job`); args != `{"user_id": "`+p.id.String()+`"}` {
		t.Errorf("the job holds %s", args)
	}
}

func TestFollow_NeverEnablesWhatFirebaseDisabled_S1(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.person()
	s.provider.SetDisabled(p.uid, true)
	s.change(revoke, p)
	s.work(s.client)
	s.awaitPaid(20 * time.Second)
	if account, _ := s.provider.User(p.uid); !account.Disabled {
		t.Error("S1: a logout has enabled what Firebase's operators had disabled")
	}
}

func TestFollow_NeverLowersValidSince_S3(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.person()
	s.provider.RevokeSessions(p.uid)
	before, _ := s.provider.User(p.uid)
	s.change(`UPDATE auth.users SET tokens_valid_after = now() - interval '1 day', is_active = false WHERE id = $1`, p)
	s.work(s.client)
	s.awaitPaid(20 * time.Second)
	after, _ := s.provider.User(p.uid)
	if !after.Disabled || !after.ValidSince.Equal(before.ValidSince) {
		t.Errorf("disabled %t, validSince %s: expected true and %s as before", after.Disabled, after.ValidSince, before.ValidSince)
	}
}

func TestFollow_NobodyThere(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	local, returned, deleted, gone := s.person(), s.person(), s.person(), s.person()
	s.exec(`UPDATE auth.users SET auth_provider = 'local', password_hash = 'x', firebase_uid = NULL WHERE id = $1`, local.id)
	s.exec(`UPDATE auth.users SET auth_provider = 'local', password_hash = 'x' WHERE id = $1`, returned.id)
	s.provider.DeleteUser(gone.uid)
	for _, p := range []person{local, returned, deleted, gone} {
		s.change(deactivate, p)
	}
	s.exec(`DELETE FROM auth.users WHERE id = $1`, deleted.id)
	s.work(s.client)
	s.awaitPaid(20 * time.Second)
	for _, p := range []person{local, returned, deleted} {
		if account, _ := s.provider.User(p.uid); account.Disabled {
			t.Errorf("%s was disabled at Firebase", p.uid)
		}
	}
	if _, found := s.provider.User(gone.uid); found {
		t.Error("an account that was gone has been made again")
	}
}

// gate holds the job before its end.
type gate struct {
	*firebase.Client
	arrived chan struct{}
	open    chan struct{}
	first   *sync.Once
}

func (g gate) SetState(ctx context.Context, uid string, to firebase.State) error {
	err := g.Client.SetState(ctx, uid, to)
	g.first.Do(func() {
		close(g.arrived)
		<-g.open
	})
	return err
}

func newGate(client *firebase.Client) gate {
	return gate{client, make(chan struct{}), make(chan struct{}), new(sync.Once)}
}

func TestFollow_ChangeWhileTheJobRuns_S3(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p, g := s.person(), newGate(s.client)
	s.work(g)
	s.change(deactivate, p)
	<-g.arrived
	s.change(reactivate, p)
	if owed := ask[int64](s, `SELECT count(*) FROM auth.river_job`); owed != 1 {
		t.Fatalf("there are %d jobs, expected the running one alone: the schedule was not forced", owed)
	}
	close(g.open)
	s.awaitPaid(20 * time.Second)
	s.expectEqual(p)
}

func TestFollow_ChangeThatCommitsWhileTheJobEnds_S3(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p, g := s.person(), newGate(s.client)
	s.work(g)
	s.change(deactivate, p)
	<-g.arrived
	s.change(reactivate, p, func() {
		close(g.open)
		await(s, 20*time.Second, "the job waits for the change", func() bool {
			return ask[int64](s, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) > 0
		})
	})
	s.awaitPaid(20 * time.Second)
	s.expectEqual(p)
}

func TestFollow_RefusedForGood(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.person()
	if err := s.provider.AddFaults(identity.Fault{Match: "accounts:update", Kind: "INSUFFICIENT_PERMISSION"}); err != nil {
		t.Fatal(err)
	}
	s.change(deactivate, p)
	s.exec(`UPDATE auth.river_job SET max_attempts = 2`)
	s.work(s.client)
	await(s, 40*time.Second, "the job is given up", func() bool {
		return ask[string](s, `SELECT state::text FROM auth.river_job`) == "discarded"
	})
}

func TestFollow_TakesUpWhatAKilledInstanceLeft_S3(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.person()
	s.change(deactivate, p)
	s.exec(`UPDATE auth.river_job SET state = 'running', attempt = 1, attempted_at = now() - interval '2 minutes', attempted_by = '{killed}'`)
	s.change(reactivate, p)
	s.work(s.client)
	s.awaitPaid(90 * time.Second)
	s.expectEqual(p)
}
