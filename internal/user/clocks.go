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

// Ending says what a revocation ends that a session asks for: at least that session. The zero Claims: no token asks.
func Ending(clocks *clock.Clocks, asking token.Claims) clock.Ending {
	if asking.OfLegacySession() {
		return clocks.Ending(time.Time{}, asking.AuthTime)
	}
	return clocks.Ending(asking.AuthTime, time.Time{})
}

// EndLegacySessions is the part of a revocation that legacy sessions need, which are dated by another clock than Firebase's. It runs in
// the transaction of the statement that has changed the row, after it.
func EndLegacySessions(ctx context.Context, tx pgx.Tx, id uuid.UUID, e clock.Ending) error {
	return db.New().EndLegacySessions(ctx, tx, db.EndLegacySessionsParams{
		ID: id, LegacyLead: e.LegacyLead, LegacyIssuedUntil: e.LegacyUntil,
	})
}

// endLegacySessionsBefore ends the legacy sessions that began before something that Firebase has dated, or by now (endOfTime).
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
