package limit

import (
	"context"
	"time"
)

// Known keeps, beyond Redis, from which addresses an e-mail's person has signed in. Names say nothing without the key.
type Known interface {
	// Remember keeps a name for so long. It does not wait.
	Remember(name string, d time.Duration)
	// Remembers says whether a name is kept. An error means that nothing can be said.
	Remembers(ctx context.Context, name string) (bool, error)
}

const (
	rememberEvery = 24 * time.Hour // how often an instance has a name kept again
	unknownFor    = time.Minute    // how long an instance believes that a name is not kept
)

// remember makes an address known to an e-mail: here, in Redis, and now and then beyond.
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

// recalls asks beyond Redis for an address that a limit is about to refuse. A stranger's address is asked for once a minute.
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
