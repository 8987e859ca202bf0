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

const publishTimeout = 300 * time.Millisecond

// Unpublished changes are retried until they are MaxFactsAge old.
const (
	unpublishedQueue = 1024
	retryEvery       = time.Second
)

const evictionQueue = 1024

const subscribeAnswer = time.Second

// Invalidator announces changed users to all instances (T5).
type Invalidator struct {
	cache       *Cache
	redis       redis.UniversalClient
	stored      redisFacts
	log         *slog.Logger
	unpublished chan unpublished
	evictions   chan uuid.UUID
	tried       chan struct{}
	away        atomic.Bool
}

type unpublished struct {
	id    uuid.UUID
	since time.Time
}

// NewInvalidator returns an invalidator; Run receives changes.
func NewInvalidator(cache *Cache, client redis.UniversalClient, log *slog.Logger) *Invalidator {
	return &Invalidator{
		cache: cache, redis: client, stored: redisFacts{client}, log: log,
		unpublished: make(chan unpublished, unpublishedQueue), evictions: make(chan uuid.UUID, evictionQueue),
		tried: make(chan struct{}),
	}
}

// Changed drops the user here and publishes the change. It ignores the caller's cancellation. Without Redis, other instances reload within
// MaxFactsAge.
func (i *Invalidator) Changed(ctx context.Context, id uuid.UUID) {
	i.cache.forget(id)
	if i.publish(context.WithoutCancel(ctx), id) != nil {
		select {
		case i.unpublished <- unpublished{id: id, since: time.Now()}:
		default: // facts expire by age
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

// OnNotify queues a user's facts in Redis for removal and never waits.
func (i *Invalidator) OnNotify(id uuid.UUID) {
	select {
	case i.evictions <- id:
	default:
	}
}

// Forget removes queued facts from Redis until ctx ends.
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

// Retry publishes queued changes until ctx ends.
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

// Tried returns a channel that closes after the first attempt to subscribe.
func (i *Invalidator) Tried() <-chan struct{} { return i.tried }

// Run applies the changes of other instances until ctx ends. Call it once. A new subscription drops all facts: messages may have been
// missed.
func (i *Invalidator) Run(ctx context.Context) error {
	subscription := i.redis.Subscribe(ctx, Channel)
	defer subscription.Close()
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
		i.cache.forgetAll() // unknown message
	}
}
