package user

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/clock"
	"auth-v2-service/internal/token"
)

// Ending ends at least the asking session; zero Claims: none asks.
func Ending(clocks *clock.Clocks, asking token.Claims) clock.Ending {
	if asking.OfLegacySession() {
		return clocks.Ending(time.Time{}, asking.AuthTime)
	}
	return clocks.Ending(asking.AuthTime, time.Time{})
}

// EndLegacySessions ends legacy sessions, which another clock dates. It runs after the statement that changed the row.
func EndLegacySessions(ctx context.Context, tx pgx.Tx, id uuid.UUID, e clock.Ending) error {
	return db.New().EndLegacySessions(ctx, tx, db.EndLegacySessionsParams{
		ID: id, LegacyLead: e.LegacyLead, LegacyIssuedUntil: e.LegacyUntil,
	})
}

// end is in Firebase's time; endOfTime ends all.
func (s *Store) endLegacySessionsBefore(ctx context.Context, tx pgx.Tx, id uuid.UUID, end *time.Time) error {
	e := s.clocks.Ending(time.Time{}, time.Time{})
	if end == &endOfTime {
		return EndLegacySessions(ctx, tx, id, e)
	}
	at := s.clocks.FromFirebase(*end)
	return s.queries.EndLegacySessions(ctx, tx, db.EndLegacySessionsParams{
		ID: id, LegacyLead: e.LegacyLead, LegacyIssuedUntil: e.LegacyUntil, EndsAt: &at,
	})
}
