package bulk

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// pace limits users a second. Firebase's refusals halve it; it climbs again slowly.
type pace struct {
	mu      sync.Mutex
	limiter *rate.Limiter
	most    rate.Limit // rate.Inf: no limit was asked for
	slowest rate.Limit
	changed time.Time
	slowed  time.Time
	halved  bool // since the last call of wasHalved
	began   time.Time
	users   int
}

const (
	climbEvery = 15 * time.Second
	climbBy    = 1.25
)

func newPace(most, burst int, current, slowest float64) *pace {
	p := &pace{most: rate.Inf, slowest: rate.Limit(slowest), began: time.Now(), changed: time.Now()}
	if most > 0 {
		p.most = rate.Limit(most)
	}
	p.limiter = rate.NewLimiter(p.most, burst)
	if current > 0 {
		p.limiter.SetLimit(min(p.most, rate.Limit(current)))
	}
	return p
}

// wait takes about a second's users at a time: the pace may climb or fall meanwhile.
func (p *pace) wait(ctx context.Context, users int) error {
	for users > 0 {
		some := min(users, p.limiter.Burst(), max(1, int(min(p.climb(), float64(users)))))
		if err := p.limiter.WaitN(ctx, some); err != nil {
			return err
		}
		users -= some
	}
	return ctx.Err()
}

func (p *pace) climb() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	limit := p.limiter.Limit()
	if limit < p.most && time.Since(p.changed) >= climbEvery {
		limit = min(p.most, limit*climbBy)
		p.limiter.SetLimit(limit)
		p.changed = time.Now()
	}
	return float64(limit)
}

// passed counts users: without a limit, the first halving starts there.
func (p *pace) passed(users int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users += users
}

// halve takes the refused request's begin: one incident refuses the requests of all lanes.
func (p *pace) halve(began time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if began.Before(p.slowed) {
		return
	}
	limit := p.limiter.Limit()
	if limit == rate.Inf {
		limit = max(rate.Limit(float64(p.users)/time.Since(p.began).Seconds()), 2*p.slowest)
	}
	p.limiter.SetLimit(max(limit/2, p.slowest))
	p.changed, p.slowed, p.halved = time.Now(), time.Now(), true
}

func (p *pace) wasHalved() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	halved := p.halved
	p.halved = false
	return halved
}

// current is 0 without a pace.
func (p *pace) current() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if limit := p.limiter.Limit(); limit < p.most {
		return float64(limit)
	}
	return 0
}
