package session

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
)

// ErrNotFound says that the user has no such session.
var ErrNotFound = fault.New(fault.NotFound, "there is no such session")

// Session is a legacy session.
type Session struct {
	ID         uuid.UUID
	BeganAt    time.Time
	LastUsedAt time.Time
	ExpiresAt  time.Time
	UserAgent  string
}

// List returns at most 100 live sessions, last used first.
func (s *Service) List(ctx context.Context, userID uuid.UUID) ([]Session, error) {
	rows, err := s.queries.LegacySessions(ctx, s.pool, db.LegacySessionsParams{UserID: userID, LegacyLead: s.clocks.LegacyLead()})
	if err != nil {
		return nil, fmt.Errorf("list the sessions of user %s: %w", userID, pg.Fault(err))
	}
	sessions := make([]Session, len(rows))
	for i, row := range rows {
		sessions[i] = Session{ID: row.ID, BeganAt: row.BeganAt, LastUsedAt: row.RotatedAt, ExpiresAt: row.ExpiresAt}
		if row.UserAgent != nil {
			sessions[i].UserAgent = *row.UserAgent
		}
	}
	return sessions, nil
}

// Past is a session that may be over.
type Past struct {
	Session
	EndedAt *time.Time
}

// Every returns all sessions, oldest first.
func (s *Service) Every(ctx context.Context, userID uuid.UUID) ([]Past, error) {
	rows, err := s.queries.EveryLegacySession(ctx, s.pool, userID)
	if err != nil {
		return nil, fmt.Errorf("list every session of user %s: %w", userID, pg.Fault(err))
	}
	sessions := make([]Past, len(rows))
	for i, row := range rows {
		sessions[i] = Past{EndedAt: row.EndedAt, Session: Session{
			ID: row.ID, BeganAt: row.BeganAt, LastUsedAt: row.RotatedAt, ExpiresAt: row.ExpiresAt,
		}}
		if row.UserAgent != nil {
			sessions[i].UserAgent = *row.UserAgent
		}
	}
	return sessions, nil
}

const adoptedVersion = 8

// SignedInAt returns zero for a missing, ended or adopted session.
func (s *Service) SignedInAt(ctx context.Context, userID, id uuid.UUID) (time.Time, error) {
	if id == uuid.Nil || id.Version() == adoptedVersion {
		return time.Time{}, nil
	}
	row, err := s.queries.LegacySession(ctx, s.pool, db.LegacySessionParams{ID: id, LegacyLead: s.clocks.LegacyLead()})
	if pg.NoRows(err) || err == nil && (row.UserID != userID || row.Ended || row.Expired) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read when session %s began: %w", id, pg.Fault(err))
	}
	return row.BeganAt, nil
}

// End ends a session on every instance (T5). Errors: ErrNotFound.
func (s *Service) End(ctx context.Context, userID, id uuid.UUID) error {
	ended, err := s.end(ctx, userID, id, audit.Event{
		Action: "session.ended", Actor: "user:" + userID.String(), UserID: userID, RequestID: telemetry.RequestID(ctx),
		Details: map[string]any{"session": id.String()},
	})
	if err != nil {
		return fmt.Errorf("end session %s: %w", id, err)
	}
	if !ended {
		return ErrNotFound
	}
	s.onChange(ctx, userID)
	return nil
}
