package limit

import (
	"context"
	"sync"
	"time"
)

// maxNames bounds the memory: some 10 MB when both tables are full, whatever addresses and e-mails a flood invents.
const maxNames = 1 << 16

// memoryStore counts in this process. It never fails.
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

// instants is a table of instants that matter until they have passed, of at most maxNames.
type instants map[string]time.Time

// set makes room first where there is none: of a few taken at random, which is how Go walks a map, the one whose instant is
// nearest goes. What has passed goes before what counts, and the names that a flood touches once go before the one that it
// hammers.
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
