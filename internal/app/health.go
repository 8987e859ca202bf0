package app

import (
	"context"
	"sync"
	"time"
)

// healthEvery is how long the answer of a shared probe is kept.
const healthEvery = time.Second

// keepAnswer returns a probe that runs at most once every healthEvery, and otherwise gives its last answer. /health is public, and each
// run of the Redis probe reaches every instance.
func keepAnswer(now func() time.Time, probe func(context.Context) error) func(context.Context) error {
	var mu sync.Mutex
	var at time.Time
	var last error
	return func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if at.IsZero() || now().Sub(at) >= healthEvery {
			last, at = probe(ctx), now()
		}
		return last
	}
}
