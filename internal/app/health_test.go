package app

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// However many ask for health at once, what all instances hear of is asked once a second.
func TestOnceASecond(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	away := errors.New("away")
	probe := onceASecond(func(context.Context) error {
		if asked.Add(1) == 1 {
			return away
		}
		return nil
	})
	for round, want := range []error{away, nil} {
		began := time.Now()
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if err := probe(t.Context()); !errors.Is(err, want) && time.Since(began) < time.Second {
					t.Errorf("round %d: %v, expected %v", round, err, want)
				}
			})
		}
		all.Wait()
		if n := int(asked.Load()); n != round+1 && time.Since(began) < time.Second {
			t.Errorf("round %d: asked %d times", round, n)
		}
		time.Sleep(time.Second)
	}
}
