package principal

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/telemetry"
)

const evictionQueue = 1024

const subscribeAnswer = time.Second

// Invalidator drops cached facts of changed users: those that this instance changes, and those that other instances announce (T5).
type Invalidator struct {
	cache     *Cache
	announcer *Announcer
	stored    redisFacts
	log       *slog.Logger
	evictions chan uuid.UUID
	tried     chan struct{}
}

// NewInvalidator returns an invalidator; Run receives changes.
func NewInvalidator(cache *Cache, announcer *Announcer) *Invalidator {
	return &Invalidator{
		cache: cache, announcer: announcer, stored: announcer.stored, log: announcer.log,
		evictions: make(chan uuid.UUID, evictionQueue), tried: make(chan struct{}),
	}
}

// Changed drops the user here and announces the change.
func (i *Invalidator) Changed(ctx context.Context, id uuid.UUID) {
	i.cache.forget(id)
	i.announcer.Announce(ctx, id)
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
				i.log.DebugContext(ctx, "facts stay in Redis until they are "+factsAge+" old", telemetry.FieldUserID, id, telemetry.FieldError, err)
			}
		}
	}
}

func (i *Invalidator) evict(ctx context.Context, id uuid.UUID) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	return i.stored.forget(ctx, id)
}

// Tried returns a channel that closes after the first attempt to subscribe.
func (i *Invalidator) Tried() <-chan struct{} { return i.tried }

// Run applies the changes of other instances until ctx ends. Call it once. A new subscription drops all facts: messages may have been
// missed.
func (i *Invalidator) Run(ctx context.Context) error {
	subscription := i.stored.redis.Subscribe(ctx, Channel)
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
