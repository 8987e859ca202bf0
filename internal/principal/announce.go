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

// Announcer publishes changed users to all instances through Redis (T5).
type Announcer struct {
	stored      redisFacts
	log         *slog.Logger
	unpublished chan unpublished
	away        atomic.Bool
}

type unpublished struct {
	id    uuid.UUID
	since time.Time
}

// NewAnnouncer returns an announcer; Retry repeats what failed.
func NewAnnouncer(client redis.UniversalClient, log *slog.Logger) *Announcer {
	return &Announcer{stored: redisFacts{client}, log: log, unpublished: make(chan unpublished, unpublishedQueue)}
}

// Announce ignores the caller's cancellation. While Redis is away only Retry asks it. Without Redis, other instances reload within
// MaxFactsAge.
func (a *Announcer) Announce(ctx context.Context, id uuid.UUID) {
	if a.away.Load() || a.publish(context.WithoutCancel(ctx), id) != nil {
		select {
		case a.unpublished <- unpublished{id: id, since: time.Now()}:
		default: // facts expire by age
		}
	}
}

func (a *Announcer) publish(ctx context.Context, id uuid.UUID) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	err := a.stored.announce(ctx, id)
	switch {
	case err == nil && a.away.Swap(false):
		a.log.InfoContext(ctx, "changes are told through Redis again")
	case err != nil && !a.away.Swap(true):
		a.log.WarnContext(ctx, "Redis does not take changes: other instances hear of them from PostgreSQL, or see them within "+factsAge,
			telemetry.FieldError, err)
	}
	return err
}

// Retry publishes queued changes until ctx ends.
func (a *Announcer) Retry(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case change := <-a.unpublished:
			a.republish(ctx, change)
		}
	}
}

func (a *Announcer) republish(ctx context.Context, change unpublished) {
	for time.Since(change.since) < MaxFactsAge && ctx.Err() == nil {
		if a.publish(ctx, change.id) == nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryEvery):
		}
	}
}
