package app

import (
	"context"
	"sync"
	"time"
)

const healthEvery = time.Second

// keepAnswer limits the probe: /health is public, and the Redis probe reaches every instance.
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
