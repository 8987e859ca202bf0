package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"auth-v2-service/internal/breaker"
)

var errGone = errors.New("connection refused")

type refusal string

func (r refusal) Error() string { return string(r) }
func (refusal) RedisError()     {}

type server struct {
	*breaker.Breaker
	t      *testing.T
	answer error
	hangs  bool
	panics bool
	probes int
	told   []string
}

func start(t *testing.T, failures uint) *server {
	s := &server{t: t}
	s.Breaker = breaker.New(breaker.Options{
		Failures: failures, Patience: 100 * time.Millisecond, Probe: s.probe,
		Down: func(_ context.Context, err error) { s.told = append(s.told, "down: "+err.Error()) },
		Up:   func(context.Context) { s.told = append(s.told, "up") },
	})
	return s
}

func (s *server) probe(ctx context.Context) error {
	s.probes++
	if s.panics {
		panic("a bug")
	}
	if s.hangs {
		time.Sleep(200 * time.Millisecond) // beyond its context
		return ctx.Err()
	}
	return s.answer
}

func (s *server) ask() bool {
	if !s.Allow(s.t.Context()) {
		return false
	}
	s.Record(s.t.Context(), s.answer)
	return true
}

func (s *server) expect(asked bool, probes int, told ...string) {
	s.t.Helper()
	got := s.ask()
	synctest.Wait()
	if got != asked || s.probes != probes || fmt.Sprint(s.told) != fmt.Sprint(told) {
		s.t.Errorf("asked %t, probed %d times, told %q; expected %t, %d, %q", got, s.probes, s.told, asked, probes, told)
	}
}

func TestBreaker_OpensAfterFailuresInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, 3)
		for range 5 {
			for _, s.answer = range []error{errGone, errGone, nil} {
				s.expect(true, 0)
			}
		}
		s.answer = errGone
		s.expect(true, 0)
		s.expect(true, 0)
		s.expect(true, 0, "down: connection refused")
		s.expect(false, 0, "down: connection refused")
	})
}

func TestBreaker_OnlyAProbeCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, 0)
		down := "down: connection refused"
		s.answer = errGone
		s.expect(true, 0, down)
		for probes := 1; probes <= 3; probes++ {
			time.Sleep(breaker.ProbeEvery - 1)
			s.expect(false, probes-1, down)
			time.Sleep(time.Nanosecond)
			s.expect(false, probes, down)
			s.expect(false, probes, down)
		}
		s.answer = nil
		s.Record(t.Context(), nil) // asked before the outage
		s.expect(false, 3, down)
		time.Sleep(breaker.ProbeEvery)
		s.expect(false, 4, down, "up")
		s.expect(true, 4, down, "up")
		s.answer = errGone
		s.expect(true, 4, down, "up", down)
		s.expect(false, 4, down, "up", down)
	})
}

func TestBreaker_OneProbeAtATimeIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, 1)
		down := "down: connection refused"
		s.answer, s.hangs = errGone, true
		s.expect(true, 0, down)
		time.Sleep(breaker.ProbeEvery)
		for range 10 {
			s.expect(false, 1, down)
		}
		s.Record(t.Context(), nil) // late
		s.Record(t.Context(), errGone)
		time.Sleep(100 * time.Millisecond) // its patience
		s.expect(false, 1, down)
		s.answer, s.hangs = nil, false
		time.Sleep(breaker.ProbeEvery)
		s.expect(false, 2, down, "up")
	})
}

func TestBreaker_ARefusalIsProbedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, 1)
		s.Record(t.Context(), refusal("WRONGTYPE"))
		synctest.Wait()
		s.expect(true, 1) // it concerned one key
		s.answer = refusal("READONLY")
		s.expect(true, 2, "down: READONLY")
		s.expect(false, 2, "down: READONLY")
	})
}

func TestBreaker_AProbeMayPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, 1)
		s.panics = true
		s.Record(t.Context(), refusal("OOM"))
		synctest.Wait()
		if len(s.told) != 1 || s.Allow(t.Context()) {
			t.Errorf("told %q, expected one outage", s.told)
		}
		s.panics = false
		time.Sleep(breaker.ProbeEvery)
		s.Allow(t.Context())
		synctest.Wait()
		if !s.Allow(t.Context()) {
			t.Error("Redis is not asked again")
		}
	})
}

func TestBreaker_AProbeOutlivesItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, 1)
		s.Record(t.Context(), errGone)
		time.Sleep(breaker.ProbeEvery)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		s.Allow(gone)
		synctest.Wait()
		if !s.Allow(t.Context()) {
			t.Errorf("told %q, expected a probe that succeeds", s.told)
		}
	})
}
