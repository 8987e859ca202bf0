package user

import (
	"context"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/telemetry"
)

const (
	// lastLoginAge is how old last_login may grow while somebody is being seen (F8).
	lastLoginAge = 5 * time.Minute
	// seenQueue bounds what waits; a sighting that finds it full is dropped, for the next one comes soon.
	seenQueue = 1024
	// touchTimeout bounds one update.
	touchTimeout = 2 * time.Second
)

// Seen notes that u was just seen, off the caller's path: it never waits and never fails.
func (s *Store) Seen(u User) {
	if u.LastLogin != nil && s.clocks.PostgreSQLNow().Sub(*u.LastLogin) < lastLoginAge {
		return
	}
	select {
	case s.seen <- u.ID:
	default:
	}
}

// Run moves last_login for those who were seen, until ctx ends; then it writes what still waits.
func (s *Store) Run(ctx context.Context) error {
	writing := context.WithoutCancel(ctx) // what is being written when ctx ends is written
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
