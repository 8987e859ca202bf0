package rollout_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/rollout"
	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/pgtest"
)

func open(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pg.Open(t.Context(), pg.Options{URL: url, ConnectTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func load(t *testing.T, pool *pgxpool.Pool) rollout.Record {
	t.Helper()
	record, err := rollout.Load(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

func set(t *testing.T, pool *pgxpool.Pool, change rollout.Change) (before, after rollout.Record) {
	t.Helper()
	before, after, err := rollout.Set(t.Context(), pool, change, "cli:tester")
	if err != nil {
		t.Fatal(err)
	}
	return before, after
}

func events(t *testing.T, pool *pgxpool.Pool) (all []map[string]any) {
	t.Helper()
	rows, err := pool.Query(t.Context(), `SELECT details FROM auth.audit_events
		WHERE action = 'rollout.changed' AND actor LIKE 'cli:tester%' AND user_id IS NULL ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var raw []byte
		var details map[string]any
		if err := errors.Join(rows.Scan(&raw), json.Unmarshal(raw, &details)); err != nil {
			t.Fatal(err)
		}
		all = append(all, details)
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	return all
}

func TestLoad_BeginsAtNothing(t *testing.T) {
	t.Parallel()
	r := load(t, open(t, pgtest.New(t)))
	if r.MovesAnybody() || r.Idle() || r.TrafficBuckets != 0 || r.NewUsers != rollout.Firebase || r.BelowFullTraffic || r.Revision != 0 || r.UpdatedBy != "system" {
		t.Errorf("the rollout begins as %+v", r)
	}
}

// R5, O4
func TestSet_ChangesWhatItNames_R5(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	pool, other := open(t, url), open(t, url)
	id, held := uuid.New(), uuid.New()
	_, first := set(t, pool, rollout.Change{
		UsersPercent: new(12.34), TrafficPercent: new(0.07), NewUsers: new(rollout.Local), BelowFullTraffic: new(true),
		Allow: &[]uuid.UUID{id}, Deny: &[]uuid.UUID{held, id}, MovesAllowed: true,
	})
	if first.UsersBuckets != 1234 || first.TrafficBuckets != 7 || first.UsersPercent() != 12.34 || first.TrafficPercent() != 0.07 ||
		first.NewUsers != rollout.Local || !first.BelowFullTraffic || first.Revision != 1 || first.UpdatedBy != "cli:tester" ||
		!slices.Equal(first.Allow, []uuid.UUID{id}) || !slices.Equal(first.Deny, []uuid.UUID{held, id}) {
		t.Fatalf("R5: set to %+v", first)
	}
	before, second := set(t, pool, rollout.Change{TrafficPercent: new(100.0), Revision: new(int64(1))})
	want := before
	want.TrafficBuckets, want.Revision, want.UpdatedAt = rollout.Full, 2, second.UpdatedAt
	if fmt.Sprint(second) != fmt.Sprint(want) || fmt.Sprint(load(t, other)) != fmt.Sprint(want) || !second.UpdatedAt.After(first.UpdatedAt) {
		t.Errorf("R5: one field changed\n%+v into\n%+v", before, second)
	}
	if _, same := set(t, pool, rollout.Change{TrafficPercent: new(100.0)}); same.Revision != 2 {
		t.Errorf("a change without a difference made revision %d", same.Revision)
	}
	_, third := set(t, pool, rollout.Change{Allow: &[]uuid.UUID{}, Deny: &[]uuid.UUID{}})
	if len(third.Allow) != 0 || len(third.Deny) != 0 {
		t.Errorf("emptied lists are %v and %v", third.Allow, third.Deny)
	}
	recorded := events(t, pool)
	if len(recorded) != 3 {
		t.Fatalf("O4: 3 changes left %d events: %v", len(recorded), recorded)
	}
	if got := fmt.Sprint(recorded[1]); got != "map[revision:2 traffic:map[new:100 old:0.07]]" {
		t.Errorf("O4: the second change is recorded as %s", got)
	}
	if users := fmt.Sprint(recorded[0]["users"], recorded[0]["allow"]); users != fmt.Sprintf("map[new:12.34 old:0] map[new:[%s] old:[]]", id) {
		t.Errorf("O4: the first change is recorded as %s", users)
	}
}

func TestSet_Refuses(t *testing.T) {
	t.Parallel()
	pool := open(t, pgtest.New(t))
	id := uuid.New()
	many := make([]uuid.UUID, 1001)
	for i := range many {
		many[i] = uuid.New()
	}
	for name, c := range map[string]struct {
		change rollout.Change
		want   error
		fields string
	}{
		"less than nobody":     {rollout.Change{UsersPercent: new(-0.01)}, rollout.ErrInvalid, "usersPercent"},
		"more than all":        {rollout.Change{UsersPercent: new(100.01)}, rollout.ErrInvalid, "usersPercent"},
		"no number":            {rollout.Change{TrafficPercent: new(math.NaN())}, rollout.ErrInvalid, "trafficPercent"},
		"infinitely many":      {rollout.Change{TrafficPercent: new(math.Inf(1))}, rollout.ErrInvalid, "trafficPercent"},
		"three decimals":       {rollout.Change{UsersPercent: new(0.005)}, rollout.ErrInvalid, "usersPercent"},
		"a home elsewhere":     {rollout.Change{NewUsers: new("mars")}, rollout.ErrInvalid, "newUsers"},
		"an id twice":          {rollout.Change{Allow: &[]uuid.UUID{id, id}}, rollout.ErrInvalid, "allow"},
		"too many ids":         {rollout.Change{Deny: &many}, rollout.ErrInvalid, "deny"},
		"all at once":          {rollout.Change{UsersPercent: new(101.0), TrafficPercent: new(-1.0), NewUsers: new(""), Allow: &many, Deny: &many}, rollout.ErrInvalid, "usersPercent trafficPercent allow deny newUsers"},
		"a stale revision":     {rollout.Change{UsersPercent: new(1.0), Revision: new(int64(7))}, rollout.ErrStale, "revision"},
		"stale, no difference": {rollout.Change{UsersPercent: new(0.0), Revision: new(int64(7))}, rollout.ErrStale, "revision"},
	} {
		c.change.MovesAllowed = true
		_, _, err := rollout.Set(t.Context(), pool, c.change, "cli:tester")
		var refusal *fault.Error
		if !errors.Is(err, c.want) || !errors.As(err, &refusal) || refusal.Code != fault.InvalidRequest {
			t.Errorf("%s: %v, expected %v", name, err, c.want)
			continue
		}
		var fields []string
		for _, field := range refusal.Fields {
			fields = append(fields, field.Field)
		}
		if got := strings.Join(fields, " "); got != c.fields {
			t.Errorf("%s: the fields at fault are %q, expected %q", name, got, c.fields)
		}
	}
	if r := load(t, pool); r.Revision != 0 || len(events(t, pool)) != 0 {
		t.Errorf("O4: refusals left revision %d and %d events", r.Revision, len(events(t, pool)))
	}
	atMost := many[:1000]
	if _, after := set(t, pool, rollout.Change{Deny: &atMost}); !slices.Equal(after.Deny, atMost) {
		t.Errorf("of 1000 ids %d are kept", len(after.Deny))
	}
	if len(rollout.ErrInvalid.Fields) != 0 {
		t.Errorf("a refusal has written its fields into the sentinel: %v", rollout.ErrInvalid.Fields)
	}
}

// M5
func TestSet_MovesOnPurposeOnly_M5(t *testing.T) {
	t.Parallel()
	pool := open(t, pgtest.New(t))
	id := uuid.New()
	refused := func(what string, change rollout.Change) {
		t.Helper()
		_, _, err := rollout.Set(t.Context(), pool, change, "cli:tester")
		if !errors.Is(err, rollout.ErrUndecided) || !strings.Contains(err.Error(), "set LEGACY_EMAIL_VERIFIED to") {
			t.Errorf("M5, %s: %v, expected it refused", what, err)
		}
	}
	refused("some users", rollout.Change{UsersPercent: new(0.01)})
	refused("an allow list", rollout.Change{Allow: &[]uuid.UUID{id}})
	set(t, pool, rollout.Change{TrafficPercent: new(100.0), Deny: &[]uuid.UUID{id}})
	set(t, pool, rollout.Change{UsersPercent: new(50.0), Allow: &[]uuid.UUID{id, uuid.New()}, MovesAllowed: true})
	refused("more users", rollout.Change{UsersPercent: new(50.01)})
	refused("another in the list", rollout.Change{Allow: &[]uuid.UUID{id, uuid.New()}})
	set(t, pool, rollout.Change{UsersPercent: new(49.0), Allow: &[]uuid.UUID{id}})
	set(t, pool, rollout.Change{NewUsers: new(rollout.Local)})
	if _, after := set(t, pool, rollout.Change{UsersPercent: new(0.0), Allow: &[]uuid.UUID{}}); after.MovesAnybody() {
		t.Errorf("M5: the rollout cannot be ended: %+v", after)
	}
}

// O4
func TestSet_AtOnce(t *testing.T) {
	t.Parallel()
	pool := open(t, pgtest.New(t))
	const setters = 8
	ids := []uuid.UUID{uuid.New()}
	changes := []rollout.Change{
		{UsersPercent: new(25.0)}, {TrafficPercent: new(100.0)}, {NewUsers: new(rollout.Local)}, {Allow: &ids}, {Deny: &ids}, {BelowFullTraffic: new(true)},
	}
	for len(changes) < setters {
		changes = append(changes, rollout.Change{UsersPercent: new(25.0 + float64(len(changes)))})
	}
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i, change := range changes {
		change.MovesAllowed = true
		all.Go(func() {
			<-begin
			if _, _, err := rollout.Set(t.Context(), pool, change, fmt.Sprintf("cli:tester-%d", i)); err != nil {
				t.Errorf("setter %d: %v", i, err)
			}
		})
	}
	close(begin)
	all.Wait()
	r := load(t, pool)
	if r.UsersBuckets < 2500 || r.TrafficBuckets != rollout.Full || r.NewUsers != rollout.Local || !slices.Equal(r.Allow, ids) ||
		!slices.Equal(r.Deny, ids) || !r.BelowFullTraffic || r.Revision != setters {
		t.Errorf("R5: a change was lost: %+v", r)
	}
	recorded := events(t, pool)
	for i, event := range recorded {
		if event["revision"] != float64(i+1) {
			t.Errorf("O4: event %d is of revision %v", i, event["revision"])
		}
	}
	if len(recorded) != setters {
		t.Errorf("O4: %d changes left %d events", setters, len(recorded))
	}
}

func TestSet_OneRevisionIsChangedOnce(t *testing.T) {
	t.Parallel()
	pool := open(t, pgtest.New(t))
	outcomes := make(chan error)
	for i := range 4 {
		go func() {
			_, _, err := rollout.Set(t.Context(), pool, rollout.Change{TrafficPercent: new(float64(i + 1)), Revision: new(int64(0))}, "cli:tester")
			outcomes <- err
		}()
	}
	done := 0
	for range 4 {
		switch err := <-outcomes; {
		case err == nil:
			done++
		case !errors.Is(err, rollout.ErrStale):
			t.Errorf("%v, expected ErrStale", err)
		}
	}
	if done != 1 || len(events(t, pool)) != 1 || load(t, pool).Revision != 1 {
		t.Errorf("revision 0 was changed %d times", done)
	}
}

// O4
func TestSet_UnrecordedIsUndone(t *testing.T) {
	t.Parallel()
	pool := open(t, pgtest.New(t))
	if _, err := pool.Exec(t.Context(), "ALTER TABLE auth.audit_events ADD CHECK (action <> 'rollout.changed')"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := rollout.Set(t.Context(), pool, rollout.Change{TrafficPercent: new(5.0)}, "cli:tester"); err == nil || load(t, pool).Revision != 0 {
		t.Errorf("O4: a change stands without its event (%v)", err)
	}
}

func TestOutage(t *testing.T) {
	t.Parallel()
	wire, url := netfault.URL(t, pgtest.New(t))
	pool := open(t, url)
	load(t, pool)
	wire.Cut()
	_, loading := rollout.Load(t.Context(), pool)
	_, _, setting := rollout.Set(t.Context(), pool, rollout.Change{TrafficPercent: new(5.0)}, "cli:tester")
	for what, err := range map[string]error{"load": loading, "set": setting} {
		if fault.CodeOf(err) != fault.DependencyUnavailable || err == nil {
			t.Errorf("%s: %v, expected dependency_unavailable", what, err)
		}
	}
	wire.Restore()
	if _, after := set(t, pool, rollout.Change{TrafficPercent: new(5.0)}); after.TrafficBuckets != 500 {
		t.Errorf("the database is back: %+v", after)
	}
}
