package limit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/testkit/netfault"
)

const jane = "jane.doe@example.com"

var (
	home     = netip.MustParseAddr("198.51.100.7")
	stranger = netip.MustParseAddr("203.0.113.66")
	key      = []byte("a key of thirty-two bytes or more")
)

func newLimiter(t *testing.T, client redis.UniversalClient, change ...func(*Options)) *Limiter {
	t.Helper()
	options := Options{Redis: client, Key: key, Patience: 5 * time.Second} // a loaded machine is no outage
	for _, f := range change {
		f(&options)
	}
	limiter, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return limiter
}

func hasty(o *Options) { o.Patience = 0 }

func everyLimiter(t *testing.T, test func(*testing.T, *Limiter)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) { test(t, newLimiter(t, nil)) })
	t.Run("redis", func(t *testing.T) { test(t, newLimiter(t, connect(t, startRedis(t, 0).Addr()))) })
}

func fail(t *testing.T, l *Limiter, email string, addr netip.Addr, most int) int {
	t.Helper()
	for i := range most {
		if err := l.AllowAttempt(t.Context(), email, addr); err != nil {
			isRefusal(t, err)
			return i
		}
		l.Failed(t.Context(), email, addr)
	}
	return most
}

func isRefusal(t *testing.T, err error) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.RateLimited || !errors.Is(err, ErrTooMany) {
		t.Fatalf("got %v, want rate_limited", err)
	}
	if f.RetryAfter < time.Second || f.RetryAfter%time.Second != 0 {
		t.Errorf("the advice is %v, want whole seconds", f.RetryAfter)
	}
}

// A4: ten failures slow the guesser only.
func TestGuessing_SlowsTheGuesser(t *testing.T) {
	everyLimiter(t, func(t *testing.T, l *Limiter) {
		if let := fail(t, l, jane, stranger, 100); let != 10 {
			t.Errorf("%d guesses were let in, want 10", let)
		}
		if err := l.AllowAttempt(t.Context(), jane, home); err != nil {
			t.Errorf("the owner is slowed too: %v", err)
		}
		if err := l.AllowAttempt(t.Context(), "mallory@example.com", stranger); err != nil {
			t.Errorf("another account at the guesser's address is slowed after ten failures: %v", err)
		}
	})
}

// A4: a known address passes.
func TestGuessingFromManyPlaces_DoesNotSlowTheOwner(t *testing.T) {
	everyLimiter(t, func(t *testing.T, l *Limiter) {
		l.Succeeded(t.Context(), jane, home)
		let := 0
		for i := range 200 {
			place := netip.AddrFrom4([4]byte{203, 0, 113, byte(i)})
			if err := l.AllowAttempt(t.Context(), jane, place); err == nil {
				let++
				l.Failed(t.Context(), jane, place)
			}
		}
		if let > 51 {
			t.Errorf("%d guesses from 200 places were let in, want 50 at most", let)
		}
		if let < 29 {
			t.Errorf("only %d guesses were let in before the limit", let)
		}
		isRefusal(t, l.AllowAttempt(t.Context(), jane, stranger))
		if err := l.AllowAttempt(t.Context(), jane, home); err != nil {
			t.Errorf("the owner at home is slowed: %v", err)
		}
	})
}

func TestGuessingInParallel_IsCharged(t *testing.T) {
	everyLimiter(t, func(t *testing.T, l *Limiter) {
		for range 60 {
			l.Failed(t.Context(), jane, stranger)
		}
		err := l.AllowAttempt(t.Context(), jane, stranger)
		var f *fault.Error
		if !errors.As(err, &f) || f.RetryAfter < 20*time.Minute || f.RetryAfter > 22*time.Minute {
			t.Errorf("after 60 failures at once: %v, want a wait of 21 minutes", err)
		}
	})
}

func TestSpraying_SlowsTheAddress(t *testing.T) {
	everyLimiter(t, func(t *testing.T, l *Limiter) {
		let := 0
		for i := range 300 {
			let += fail(t, l, fmt.Sprintf("user%d@example.com", i), stranger, 1)
		}
		if let < 100 || let > 102 {
			t.Errorf("%d accounts could be tried, want 100", let)
		}
		if err := l.AllowAttempt(t.Context(), jane, home); err != nil {
			t.Errorf("another address is slowed: %v", err)
		}
	})
}

func TestSuccess_ForgetsAndOutagesDoNotCount(t *testing.T) {
	everyLimiter(t, func(t *testing.T, l *Limiter) {
		for range 5 {
			if let := fail(t, l, jane, home, 9); let != 9 {
				t.Fatalf("%d of 9 mistakes were let in", let)
			}
			l.Succeeded(t.Context(), jane, home)
		}
		for range 200 {
			if err := l.AllowAttempt(t.Context(), jane, home); err != nil {
				t.Fatalf("undecided attempts are limited: %v", err)
			}
		}
	})
}

func TestAllowAddress(t *testing.T) {
	everyLimiter(t, func(t *testing.T, l *Limiter) {
		let := func(operation string, addr netip.Addr) (n int) {
			for range 1000 {
				if err := l.AllowAddress(t.Context(), operation, addr); err != nil {
					isRefusal(t, err)
					return n
				}
				n++
			}
			return n
		}
		for operation, want := range map[string]int{Register: 60, Login: 120, "something_else": 120} {
			if got := let(operation, stranger); got < want || got > want+5 {
				t.Errorf("%s: %d were let in, want %d", operation, got, want)
			}
		}
		if got := let(Register, home); got < 60 {
			t.Errorf("another address was let in %d times", got)
		}
	})
}

func TestNetwork(t *testing.T) {
	same := [][2]string{{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9"}, {"198.51.100.7", "::ffff:198.51.100.7"}, {"fe80::1%eth0", "fe80::1%eth1"}}
	for _, pair := range same {
		if a, b := network(netip.MustParseAddr(pair[0])), network(netip.MustParseAddr(pair[1])); a != b {
			t.Errorf("%v are two clients: %s and %s", pair, a, b)
		}
	}
	different := [][2]string{{"2001:db8:1:2::1", "2001:db8:1:3::1"}, {"198.51.100.7", "198.51.100.8"}}
	for _, pair := range different {
		if network(netip.MustParseAddr(pair[0])) == network(netip.MustParseAddr(pair[1])) {
			t.Errorf("%v are one client", pair)
		}
	}
	if network(netip.Addr{}) == "" {
		t.Error("no address has no name")
	}
}

func TestTwoInstances(t *testing.T) {
	server := startRedis(t, 0)
	one, two := newLimiter(t, connect(t, server.Addr())), newLimiter(t, connect(t, server.Addr()))
	if let := fail(t, one, jane, stranger, 6) + fail(t, two, jane, stranger, 100); let != 10 {
		t.Errorf("two instances let %d guesses in, want 10", let)
	}
	one.Succeeded(t.Context(), jane, home)
	for i := range 60 {
		one.Failed(t.Context(), jane, netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}))
		two.Failed(t.Context(), jane, netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}))
	}
	if err := two.AllowAttempt(t.Context(), jane, home); err != nil {
		t.Errorf("the other instance does not know the owner's address: %v", err)
	}
	isRefusal(t, two.AllowAttempt(t.Context(), jane, stranger))
}

// T6, T7: Redis holds expiring hashes.
func TestRedis_HoldsNothingInTheClear(t *testing.T) {
	client := connect(t, startRedis(t, 0).Addr())
	l := newLimiter(t, client)
	_ = l.AllowAddress(t.Context(), Login, home)
	fail(t, l, jane, home, 3)
	l.Succeeded(t.Context(), jane, home)
	fail(t, l, jane, stranger, 3)

	names, err := client.Keys(t.Context(), "*").Result()
	if err != nil || len(names) < 6 {
		t.Fatalf("Redis holds %v, %v", names, err)
	}
	for _, name := range names {
		value := client.Get(t.Context(), name).Val()
		for _, leak := range []string{"jane", "example", "198.51", "203.0", "@"} {
			if strings.Contains(name+value, leak) {
				t.Errorf("%q is in %s = %s", leak, name, value)
			}
		}
		if ttl := client.PTTL(t.Context(), name).Val(); ttl <= 0 || ttl > 30*24*time.Hour {
			t.Errorf("%s lives for %v", name, ttl)
		}
	}
	other := newLimiter(t, client, func(o *Options) { o.Key = []byte("another key of thirty-two bytes ..") })
	if a, b := l.names.attempt(jane, home), other.names.attempt(jane, home); a == b {
		t.Error("the names do not depend on the key")
	}
}

func TestRedis_KilledAndBack(t *testing.T) {
	server := startRedis(t, 0)
	l := newLimiter(t, connect(t, server.Addr()), hasty)
	l.Succeeded(t.Context(), jane, home)
	fail(t, l, jane, stranger, 3)
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}

	_ = l.AllowAddress(t.Context(), Login, home)
	start := time.Now()
	if let := fail(t, l, jane, stranger, 100); let != 7 {
		t.Errorf("without Redis %d guesses were let in after 3, want 7", let)
	}
	for i := range 60 {
		l.Failed(t.Context(), jane, netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}))
	}
	if err := l.AllowAttempt(t.Context(), jane, home); err != nil {
		t.Errorf("without Redis the owner at home is slowed: %v", err)
	}
	isRefusal(t, l.AllowAttempt(t.Context(), jane, netip.MustParseAddr("192.0.2.1")))
	if took := time.Since(start); took > time.Second {
		t.Errorf("the outage cost 80 requests %v", took)
	}

	_, port, err := net.SplitHostPort(server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	client := connect(t, startRedis(t, number).Addr())
	start = time.Now()
	eventually(t, "limits are shared again", func() bool {
		_ = l.AllowAddress(t.Context(), Login, home)
		return client.DBSize(t.Context()).Val() > 0
	})
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v to come back", took)
	}
	isRefusal(t, l.AllowAttempt(t.Context(), jane, stranger))
}

func TestRedis_Falters(t *testing.T) {
	server := startRedis(t, 0)
	wire, direct := netfault.New(t, server.Addr()), connect(t, server.Addr())
	l := newLimiter(t, connect(t, wire.Addr()), hasty)
	let := 0
	for range 2 {
		let += fail(t, l, jane, stranger, 3)
		wire.Hang()
		let += fail(t, l, jane, stranger, 3)
		wire.Restore()
		eventually(t, "limits are shared again", func() bool {
			_ = l.AllowAddress(t.Context(), Login, home)
			return direct.DBSize(t.Context()).Val() > 0 && l.counters.redis.breaker.Allow(t.Context())
		})
	}
	if let != 10 {
		t.Errorf("%d guesses were let in, want 10", let)
	}
}

func TestRefused_IsNotCounted(t *testing.T) {
	rate := Rate{N: 1, Period: time.Hour, Burst: 3}
	hourly := func(o *Options) { o.Policy = &Policy{Other: rate} }
	client := connect(t, startRedis(t, 0).Addr())
	one, two := newLimiter(t, client, hourly), newLimiter(t, client, hourly)
	name := one.names.address("other", stranger)
	counted := func(s store) time.Duration {
		_, ahead, err := s.count(t.Context(), name, rate, 0)
		if err != nil {
			t.Fatal(err)
		}
		return ahead
	}
	for range 3 {
		if err := one.AllowAddress(t.Context(), Login, stranger); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		isRefusal(t, one.AllowAddress(t.Context(), Login, stranger))
		isRefusal(t, two.AllowAddress(t.Context(), Login, stranger))
	}
	if wait := one.counters.spent(t.Context(), name, rate); wait > time.Hour {
		t.Errorf("where it was let in the wait is %v, want an hour at most", wait)
	}
	if ahead := counted(two.counters.memory); ahead > 0 {
		t.Errorf("where it was never let in %v are counted, want none", ahead)
	}
	client.FlushAll(t.Context())
	isRefusal(t, one.AllowAddress(t.Context(), Login, stranger))
	if ahead := counted(newRedisStore(client)); ahead > 0 {
		t.Errorf("a Redis that has lost all counts %v of what is refused here, want none", ahead)
	}
}

func TestRedis_Hanging(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = connection.Close() })
		}
	}()
	l := newLimiter(t, connect(t, listener.Addr().String()), hasty)
	start := time.Now()
	if let := fail(t, l, jane, stranger, 100); let != 10 {
		t.Errorf("%d guesses were let in, want 10", let)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("20 questions took %v, want 100 ms once", took)
	}
}

func TestFailed_CountsForThoseWhoHungUp(t *testing.T) {
	server := startRedis(t, 0)
	one, two := newLimiter(t, connect(t, server.Addr())), newLimiter(t, connect(t, server.Addr()))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 10 {
		one.Failed(gone, jane, stranger)
	}
	isRefusal(t, two.AllowAttempt(t.Context(), jane, stranger))
}

func TestLimiter_Concurrently(t *testing.T) {
	everyLimiter(t, func(t *testing.T, l *Limiter) {
		var let atomic.Int64
		var all sync.WaitGroup
		began := time.Now()
		for range 8 {
			all.Go(func() {
				for range 50 {
					if l.AllowAddress(t.Context(), Login, home) == nil {
						let.Add(1)
					}
					if l.AllowAttempt(t.Context(), jane, home) == nil {
						l.Failed(t.Context(), jane, home)
					}
					l.Succeeded(t.Context(), "other@example.com", home)
				}
			})
		}
		all.Wait()
		most := 125 + int64(3*time.Since(began).Seconds()) // two are forgotten each second
		if let.Load() < 120 || let.Load() > most {
			t.Errorf("%d of 400 were let in, want 120 and what was forgotten meanwhile", let.Load())
		}
	})
}

func TestOffAndOptions(t *testing.T) {
	l, err := New(Options{Off: true})
	if err != nil {
		t.Fatal(err)
	}
	if let := fail(t, l, jane, stranger, 500); let != 500 {
		t.Errorf("switched off, %d of 500 were let in", let)
	}
	l.Succeeded(t.Context(), jane, home)
	for range 500 {
		if err := l.AllowAddress(t.Context(), Login, home); err != nil {
			t.Fatalf("switched off, an address is refused: %v", err)
		}
	}
	if _, err := New(Options{Key: []byte("short")}); err == nil {
		t.Error("a short key is accepted")
	}
	unlimited := newLimiter(t, nil, func(o *Options) { o.Policy = &Policy{} })
	if let := fail(t, unlimited, jane, stranger, 500); let != 500 {
		t.Errorf("without a figure, %d of 500 were let in", let)
	}
}

func TestObserve(t *testing.T) {
	var heard []string
	l := newLimiter(t, nil, func(o *Options) { o.Observe = func(limit string) { heard = append(heard, limit) } })
	fail(t, l, jane, stranger, 100)
	for range 61 {
		_ = l.AllowAddress(t.Context(), Register, stranger)
	}
	if fmt.Sprint(heard) != "[email_and_address address]" {
		t.Errorf("heard %v", heard)
	}
}

func TestClock(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := newLimiter(t, nil, func(o *Options) { o.Clock = func() time.Time { return now } })
	fail(t, l, jane, stranger, 100)
	var f *fault.Error
	if err := l.AllowAttempt(t.Context(), jane, stranger); !errors.As(err, &f) {
		t.Fatalf("got %v", err)
	}
	now = now.Add(f.RetryAfter - time.Second)
	isRefusal(t, l.AllowAttempt(t.Context(), jane, stranger))
	now = now.Add(time.Second)
	if err := l.AllowAttempt(t.Context(), jane, stranger); err != nil {
		t.Errorf("whoever waits as long as advised is refused: %v", err)
	}
}

func BenchmarkAllowAttempt(b *testing.B) {
	l, err := New(Options{Key: key})
	if err != nil {
		b.Fatal(err)
	}
	l.Succeeded(b.Context(), jane, home)
	b.ReportAllocs()
	for b.Loop() {
		_ = l.AllowAttempt(b.Context(), jane, home)
	}
}
