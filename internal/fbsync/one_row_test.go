package fbsync_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"auth-v2-service/internal/fbsync"
	"auth-v2-service/internal/firebase"
)

// crowded changes a row at each look-up.
type crowded struct {
	*firebase.Client
	uid    string
	change func()
	looks  atomic.Int32
}

func (c *crowded) User(ctx context.Context, uid string) (firebase.User, error) {
	account, err := c.Client.User(ctx, uid)
	if uid == c.uid {
		c.looks.Add(1)
		c.change()
	}
	return account, err
}

func TestReconcile_OneRowStopsNobody(t *testing.T) {
	t.Parallel()
	for name, arrange := range map[string]func(s *stage, p person) vendor{
		"a row that changes without pause": func(s *stage, p person) vendor {
			return &crowded{Client: s.client, uid: p.uid, change: func() {
				s.exec(`UPDATE auth.users SET updated_at = clock_timestamp() WHERE firebase_uid = $1`, p.uid)
			}}
		},
		"a row that a trigger of the platform's keeps": func(s *stage, p person) vendor {
			s.exec(`CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				IF OLD.firebase_uid = '` + p.uid + `' THEN RAISE EXCEPTION 'this address is not to change'; END IF; RETURN NEW; END $$`)
			s.exec(`CREATE TRIGGER keep BEFORE UPDATE ON auth.users FOR EACH ROW EXECUTE FUNCTION public.keep()`)
			return s.client
		},
		"a row that another transaction holds": func(s *stage, p person) vendor {
			tx, err := s.pool.Begin(s.Context())
			if err != nil {
				s.Fatal(err)
			}
			s.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(s.Context())) })
			if _, err := tx.Exec(s.Context(), `SELECT FROM auth.users WHERE firebase_uid = $1 FOR UPDATE`, p.uid); err != nil {
				s.Fatal(err)
			}
			return s.client
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			all := s.crowd(12)
			for i, p := range all {
				s.provider.SetEmail(p.uid, fmt.Sprintf("beside-one-row%d@example.com", i), true)
			}
			accounts := arrange(s, all[3])
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			report, err := s.reconciler(accounts, fbsync.Project{ID: project}).Run(ctx, fbsync.RunOptions{Actor: "cli:test"})
			if err != nil || report.Updated != 11 || report.Failed != 1 {
				t.Errorf("%+v, %v; expected 11 rows updated, one failed, and a run that goes through", report, err)
			}
		})
	}
}

func TestReconcile_ProviderDataOfAnySize(t *testing.T) {
	s := newStage(t)
	all := s.crowd(100)
	for i, p := range all[:3] {
		s.provider.SetEmail(p.uid, fmt.Sprintf("beside-much%d@example.com", i), true)
	}
	s.exec(`UPDATE auth.users SET provider_data = provider_data || jsonb_build_object('more', repeat('x', 1 << 20), 'display_name', repeat('y', 1 << 20))`)
	var report fbsync.Report
	if above := peak(func() { report = s.reconcile(nil) }); above > 32<<20 {
		t.Errorf("100 rows with 2 MiB each took %d MiB of memory", above>>20)
	}
	if report.Updated != 100 {
		t.Errorf("%+v: expected 100 rows to be brought in step", report)
	}
	if n := ask[int64](s, `SELECT count(*) FROM auth.users WHERE length(provider_data ->> 'more') = 1 << 20 AND NOT provider_data ? 'display_name'`); n != 100 {
		t.Errorf("%d rows keep what the platform has there, expected 100", n)
	}
}
