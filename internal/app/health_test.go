package app

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestNewCachedResponse(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	var runs atomic.Int32
	away := errors.New("away")
	probe := keepAnswer(func() time.Time { return clock }, func(context.Context) error {
		if runs.Add(1) == 1 {
			return away
		}
		return nil
	})
	for _, step := range []struct {
		after time.Duration
		want  error
		runs  int32
	}{{0, away, 1}, {healthEvery - 1, away, 1}, {1, nil, 2}, {healthEvery, nil, 3}} {
		clock = clock.Add(step.after)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if err := probe(t.Context()); !errors.Is(err, step.want) {
					t.Errorf("after another %s: %v, expected %v", step.after, err, step.want)
				}
			})
		}
		all.Wait()
		if n := runs.Load(); n != step.runs {
			t.Errorf("after another %s the probe has run %d times, expected %d", step.after, n, step.runs)
		}
	}
}
