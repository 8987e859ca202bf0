package principal

import (
	"context"
	"sync"
	"testing"
)

// F1, E1: one look-up serves a thousand requests.
func TestResolve_AStampedeIsOneLookUp(t *testing.T) {
	t.Parallel()
	for range 20 {
		s := newScene(t)
		start := make(chan struct{})
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				<-start
				if p, err := s.resolver.Resolve(context.Background(), "the token"); err != nil || p.User.ID != s.person.ID {
					t.Errorf("answered %+v, %v", p, err)
				}
			})
		}
		close(start)
		all.Wait()
		if v, f, r := s.verified.Load(), s.sights.Load(), s.reads.Load(); v != 1 || f != 1 || r != 0 {
			t.Errorf("1,000 requests verified %d, looked %d, read %d times, expected 1, 1, 0", v, f, r)
		}
		if t.Failed() {
			return
		}
	}
}
