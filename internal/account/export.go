package account

import (
	"context"

	"github.com/google/uuid"

	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/balance"
	"auth-v2-service/internal/session"
	"auth-v2-service/internal/user"
)

// Export is all stored data about a user, by package.
type Export struct {
	User     user.Export
	Sessions []session.Past
	Events   []audit.Recorded
	Entries  []balance.Entry
}

// Export collects that data, or returns user.ErrNotFound.
func (s *Service) Export(ctx context.Context, id uuid.UUID) (out Export, err error) {
	if out.User, err = s.users.Export(ctx, id); err != nil {
		return Export{}, err
	}
	if out.Sessions, err = s.sessions.Every(ctx, id); err != nil {
		return Export{}, err
	}
	if out.Events, err = audit.About(ctx, s.pool, id); err != nil {
		return Export{}, err
	}
	if out.Entries, err = balance.About(ctx, s.pool, id); err != nil {
		return Export{}, err
	}
	return out, nil
}
