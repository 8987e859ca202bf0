package app

import (
	"context"
	"sync"
	"time"
)

// onceASecond keeps a probe's answer for a second: anybody may ask for health, and this probe is heard by every instance.
func onceASecond(probe func(context.Context) error) func(context.Context) error {
	var mu sync.Mutex
	var at time.Time
	var last error
	return func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if at.IsZero() || time.Since(at) >= time.Second {
			last, at = probe(ctx), time.Now()
		}
		return last
	}
}
