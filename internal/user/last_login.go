package user

import (
	"context"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/telemetry"
)

const (
	// bounds the lag of last_login (F8)
	lastLoginAge = 5 * time.Minute
	// A full queue drops sightings.
	seenQueue    = 1024
	touchTimeout = 2 * time.Second
)

// Seen queues an update of last_login and never blocks.
func (s *Store) Seen(u User) {
	if u.LastLogin != nil && s.clocks.PostgreSQLNow().Sub(*u.LastLogin) < lastLoginAge {
		return
	}
	select {
	case s.seen <- u.ID:
	default:
	}
}

// Run writes last_login until ctx ends, then drains the queue.
func (s *Store) Run(ctx context.Context) error {
	writing := context.WithoutCancel(ctx)
	for {
		select {
		case id := <-s.seen:
			s.touch(writing, id)
		case <-ctx.Done():
			s.drain(writing)
			return nil
		}
	}
}

func (s *Store) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, touchTimeout)
	defer cancel()
	for ctx.Err() == nil {
		select {
		case id := <-s.seen:
			s.touch(ctx, id)
		default:
			return
		}
	}
}

func (s *Store) touch(ctx context.Context, id uuid.UUID) {
	ctx, cancel := context.WithTimeout(ctx, touchTimeout)
	defer cancel()
	if err := s.queries.TouchLastLogin(ctx, s.pool, id); err != nil {
		s.log.WarnContext(ctx, "last_login was not moved", telemetry.FieldUserID, id, telemetry.FieldError, err)
	}
}
