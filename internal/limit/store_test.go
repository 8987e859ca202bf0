package limit

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	devredis "auth-v2-service/internal/devstack/redis"
)

func startRedis(t *testing.T, port int) *devredis.Server {
	t.Helper()
	server, err := devredis.Start(t.Context(), devredis.Options{Dir: t.TempDir(), Port: port})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	return server
}

func connect(t *testing.T, addr string) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestStores(t *testing.T) {
	redisClient := connect(t, startRedis(t, 0).Addr())
	stores := map[string]func() store{
		"memory": func() store { return newMemoryStore(time.Now) },
		"redis":  func() store { return newRedisStore(redisClient) },
	}
	promises := map[string]func(*testing.T, store){
		"lets a burst in, then says how long to wait": promiseBurst,
		"counts beyond the burst when charged":        promiseDebt,
		"looking counts nothing":                      promiseLook,
		"forgets on demand":                           promiseForget,
		"forgets in time":                             promiseTime,
		"remembers for a while":                       promiseRemember,
		"counts concurrent events exactly":            promiseConcurrent,
	}
	for storeName, make := range stores {
		for promise, keep := range promises {
			t.Run(storeName+" "+promise, func(t *testing.T) { keep(t, named{make(), t.Name()}) })
		}
	}
}

type named struct {
	store
	prefix string
}

func (n named) count(ctx context.Context, name string, r Rate, k int) (time.Duration, time.Duration, error) {
	return n.store.count(ctx, n.prefix+name, r, k)
}

func (n named) forget(ctx context.Context, name string) error {
	return n.store.forget(ctx, n.prefix+name)
}

func (n named) remember(ctx context.Context, name string, d time.Duration) error {
	return n.store.remember(ctx, n.prefix+name, d)
}

func (n named) remembers(ctx context.Context, name string) (bool, error) {
	return n.store.remembers(ctx, n.prefix+name)
}

var perMinute = Rate{N: 6, Period: time.Minute, Burst: 3}

func mustTake(t *testing.T, s store, name string, r Rate) time.Duration {
	t.Helper()
	wait, err := take(t.Context(), s, name, r)
	if err != nil {
		t.Fatal(err)
	}
	return wait
}

func mustSpent(t *testing.T, s store, name string, r Rate) time.Duration {
	t.Helper()
	wait, err := spent(t.Context(), s, name, r)
	if err != nil {
		t.Fatal(err)
	}
	return wait
}

func about(t *testing.T, got, want time.Duration) {
	t.Helper()
	if got > want || got < want-2*time.Second {
		t.Errorf("the wait is %v, want about %v", got, want)
	}
}

func promiseBurst(t *testing.T, s store) {
	for i := range 3 {
		if wait := mustTake(t, s, "a", perMinute); wait != 0 {
			t.Fatalf("event %d of a burst of three waits %v", i+1, wait)
		}
	}
	about(t, mustTake(t, s, "a", perMinute), 10*time.Second)
	about(t, mustTake(t, s, "a", perMinute), 10*time.Second)
	if wait := mustTake(t, s, "b", perMinute); wait != 0 {
		t.Errorf("another name waits %v", wait)
	}
}

func promiseDebt(t *testing.T, s store) {
	for range 20 {
		if err := charge(t.Context(), s, "a", perMinute); err != nil {
			t.Fatal(err)
		}
	}
	// Charged 90 s ahead; at 20 s the next fits.
	about(t, mustSpent(t, s, "a", perMinute), 70*time.Second)
	about(t, mustTake(t, s, "a", perMinute), 70*time.Second)
}

func promiseLook(t *testing.T, s store) {
	for range 10 {
		if wait := mustSpent(t, s, "a", perMinute); wait != 0 {
			t.Fatalf("a look at a new counter waits %v", wait)
		}
	}
	for range 3 {
		mustTake(t, s, "a", perMinute)
	}
	about(t, mustSpent(t, s, "a", perMinute), 10*time.Second)
}

func promiseForget(t *testing.T, s store) {
	for range 3 {
		mustTake(t, s, "a", perMinute)
	}
	if err := s.forget(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if wait := mustTake(t, s, "a", perMinute); wait != 0 {
		t.Errorf("after forgetting one waits %v", wait)
	}
}

func promiseTime(t *testing.T, s store) {
	fast := Rate{N: 20, Period: time.Second, Burst: 1}
	mustTake(t, s, "a", fast)
	if wait := mustTake(t, s, "a", fast); wait <= 0 || wait > 50*time.Millisecond {
		t.Fatalf("the wait is %v, want up to 50 ms", wait)
	}
	eventually(t, "the counter runs out", func() bool { return mustTake(t, s, "a", fast) == 0 })
}

func promiseRemember(t *testing.T, s store) {
	remembers := func() bool {
		known, err := s.remembers(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		return known
	}
	if remembers() {
		t.Fatal("it remembers what it was never told")
	}
	if err := s.remember(t.Context(), "a", 300*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if !remembers() {
		t.Fatal("it forgets at once")
	}
	eventually(t, "it forgets", func() bool { return !remembers() })
}

func promiseConcurrent(t *testing.T, s store) {
	slow := Rate{N: 1, Period: time.Minute, Burst: 50}
	var let atomic.Int64
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			for range 20 {
				if wait, err := take(t.Context(), s, "a", slow); err == nil && wait == 0 {
					let.Add(1)
				}
			}
		})
	}
	all.Wait()
	if let.Load() != 50 {
		t.Errorf("%d of 200 were let in, want the burst of 50", let.Load())
	}
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(10 * time.Second)
	for !condition() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited 10 s in vain until %s", what)
		}
	}
}

func TestMemory_IsBoundedUnderAFlood(t *testing.T) {
	s := newMemoryStore(time.Now)
	hammered := Rate{N: 1, Period: time.Hour, Burst: 3}
	for range 3 {
		mustTake(t, s, "hammered", hammered)
	}
	once := Rate{N: 60, Period: time.Minute, Burst: 60}
	for i := range 3 * maxNames {
		mustTake(t, s, fmt.Sprint(i), once)
		_ = s.remember(t.Context(), fmt.Sprint(i), time.Hour)
	}
	if len(s.counters) > maxNames || len(s.known) > maxNames {
		t.Errorf("%d counters and %d known names are kept, want %d at most", len(s.counters), len(s.known), maxNames)
	}
	if mustTake(t, s, "hammered", hammered) == 0 {
		t.Error("the flood has washed out the counter that was spent")
	}
}
