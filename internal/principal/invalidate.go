package principal

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/telemetry"
)

// publishTimeout bounds what a caller pays while Redis hangs: facts grow old by themselves.
const publishTimeout = 300 * time.Millisecond

// What could not be told is told again until it no longer matters: facts that old are looked at again anyway.
const (
	unpublishedQueue = 1024
	retryEvery       = time.Second
)

// evictionQueue bounds what waits to be taken out of Redis; what finds it full is left to age, and to the other instances.
const evictionQueue = 1024

// subscribeAnswer is how long a start waits for Redis to confirm that it tells of changes.
const subscribeAnswer = time.Second

// Invalidator carries changes of users to the cache of every instance (T5).
type Invalidator struct {
	cache       *Cache
	redis       redis.UniversalClient
	stored      redisFacts
	log         *slog.Logger
	unpublished chan unpublished
	evictions   chan uuid.UUID
	tried       chan struct{}
	away        atomic.Bool // Redis did not take the last change
}

// unpublished is a change that Redis did not take.
type unpublished struct {
	id    uuid.UUID
	since time.Time
}

// NewInvalidator makes an invalidator; Run listens.
func NewInvalidator(cache *Cache, client redis.UniversalClient, log *slog.Logger) *Invalidator {
	return &Invalidator{
		cache: cache, redis: client, stored: redisFacts{client}, log: log,
		unpublished: make(chan unpublished, unpublishedQueue), evictions: make(chan uuid.UUID, evictionQueue),
		tried: make(chan struct{}),
	}
}

// Changed forgets the user here at once and tells the other instances. When it returns, everybody who can be reached has been
// told; with Redis away they look again within MaxFactsAge. The caller's hanging up does not stop it.
func (i *Invalidator) Changed(ctx context.Context, id uuid.UUID) {
	i.cache.forget(id)
	if i.publish(context.WithoutCancel(ctx), id) != nil {
		select {
		case i.unpublished <- unpublished{id: id, since: time.Now()}:
		default: // so many at once: age does it
		}
	}
}

func (i *Invalidator) publish(ctx context.Context, id uuid.UUID) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	err := i.stored.announce(ctx, id)
	switch {
	case err == nil && i.away.Swap(false):
		i.log.InfoContext(ctx, "changes are told through Redis again")
	case err != nil && !i.away.Swap(true):
		i.log.WarnContext(ctx, "Redis does not take changes: other instances hear of them from PostgreSQL, or see them within 10 s",
			telemetry.FieldError, err)
	}
	return err
}

// OnNotify takes what is known of a user out of Redis, off the caller's path: somebody has changed the row whom only PostgreSQL
// knows. Every instance that hears of it does so, because any of them may be the last.
func (i *Invalidator) OnNotify(id uuid.UUID) {
	select {
	case i.evictions <- id:
	default:
	}
}

// Forget takes out of Redis what was heard of, until ctx ends.
func (i *Invalidator) Forget(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case id := <-i.evictions:
			if err := i.evict(ctx, id); err != nil {
				i.log.DebugContext(ctx, "facts stay in Redis until they are 10 s old", telemetry.FieldUserID, id, telemetry.FieldError, err)
			}
		}
	}
}

func (i *Invalidator) evict(ctx context.Context, id uuid.UUID) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	return i.stored.forget(ctx, id)
}

// Retry tells again what Redis did not take, until ctx ends.
func (i *Invalidator) Retry(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case change := <-i.unpublished:
			i.republish(ctx, change)
		}
	}
}

func (i *Invalidator) republish(ctx context.Context, change unpublished) {
	for time.Since(change.since) < MaxFactsAge && ctx.Err() == nil {
		if i.publish(ctx, change.id) == nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryEvery):
		}
	}
}

// Tried is closed once Run hears the other instances, or has failed to for the first time.
func (i *Invalidator) Tried() <-chan struct{} { return i.tried }

// Run forgets what other instances say has changed, until ctx ends; it is called once. Whenever the subscription is made anew
// everything is forgotten, for nobody knows what was missed.
func (i *Invalidator) Run(ctx context.Context) error {
	subscription := i.redis.Subscribe(ctx, Channel)
	defer subscription.Close() // the process ends or the connection is broken already
	if confirmed, err := subscription.ReceiveTimeout(ctx, subscribeAnswer); err == nil {
		i.hear(confirmed)
	}
	close(i.tried)
	messages := subscription.ChannelWithSubscriptions(redis.WithChannelHealthCheckInterval(time.Second))
	for {
		select {
		case <-ctx.Done():
			return nil
		case message, open := <-messages:
			if !open {
				return nil
			}
			i.hear(message)
		}
	}
}

func (i *Invalidator) hear(message any) {
	switch m := message.(type) {
	case *redis.Subscription:
		i.cache.forgetAll()
	case *redis.Message:
		if id, err := uuid.Parse(m.Payload); err == nil {
			i.cache.forget(id)
			return
		}
		i.cache.forgetAll() // not ours or not understood: look again at everybody
	}
}
