package limit

import (
	"context"
	"time"
)

// Known stores known addresses beyond Redis. Names are keyed hashes.
type Known interface {
	// Remember does not wait.
	Remember(name string, d time.Duration)
	// Remembers fails where it cannot tell.
	Remembers(ctx context.Context, name string) (bool, error)
}

const (
	rememberEvery = 24 * time.Hour // per name
	unknownFor    = time.Minute
)

func (l *Limiter) remember(ctx context.Context, name string) {
	l.counters.remember(ctx, name, l.policy.KnownFor)
	if l.known == nil {
		return
	}
	if told, _ := l.counters.memory.remembers(ctx, "told:"+name); !told {
		l.known.Remember(name, l.policy.KnownFor+rememberEvery)
		_ = l.counters.memory.remember(ctx, "told:"+name, rememberEvery)
	}
}

// recalls asks Known once a minute for an unknown address.
func (l *Limiter) recalls(ctx context.Context, name string) bool {
	if l.known == nil {
		return false
	}
	if asked, _ := l.counters.memory.remembers(ctx, "unknown:"+name); asked {
		return false
	}
	known, err := l.known.Remembers(ctx, name)
	switch {
	case err != nil:
		return false
	case !known:
		_ = l.counters.memory.remember(ctx, "unknown:"+name, unknownFor)
		return false
	}
	_ = l.counters.memory.remember(ctx, name, l.policy.KnownFor)
	return true
}
