package limit

import (
	"context"
	"sync"
	"time"
)

// maxNames keeps memory below some 10 MB.
const maxNames = 1 << 16

type memoryStore struct {
	now      func() time.Time
	mu       sync.Mutex
	counters instants
	known    instants
}

func newMemoryStore(now func() time.Time) *memoryStore {
	return &memoryStore{now: now, counters: instants{}, known: instants{}}
}

func (s *memoryStore) count(_ context.Context, name string, r Rate, n int) (wait, ahead time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	ahead = max(0, s.counters[name].Sub(now))
	next := ahead + time.Duration(n)*r.interval()
	if wait = next - time.Duration(r.Burst)*r.interval(); wait > 0 {
		return wait, ahead, nil
	}
	if n > 0 {
		s.counters.set(name, now.Add(next))
	}
	return 0, next, nil
}

func (s *memoryStore) forget(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.counters, name)
	return nil
}

func (s *memoryStore) remember(_ context.Context, name string, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known.set(name, s.now().Add(d))
	return nil
}

func (s *memoryStore) remembers(_ context.Context, name string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[name].After(s.now()), nil
}

type instants map[string]time.Time

// set evicts the earliest of some random instants: expired names and a flood go first.
func (m instants) set(name string, at time.Time) {
	if _, there := m[name]; !there && len(m) >= maxNames {
		m.evict()
	}
	m[name] = at
}

func (m instants) evict() {
	const sample = 16
	var nearest string
	looked := 0
	for name, at := range m {
		if looked == 0 || at.Before(m[nearest]) {
			nearest = name
		}
		if looked++; looked == sample {
			break
		}
	}
	delete(m, nearest)
}
