package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/user"
)

// registerHere needs one statement (A1).
func (s *Service) registerHere(ctx context.Context, email string, r Registration) (Session, error) {
	hash, err := s.hash(ctx, r.Password)
	if err != nil {
		return Session{}, err
	}
	id, err := s.insertHere(ctx, email, hash, user.UsernameFrom(r.DisplayName))
	switch {
	case errors.Is(err, errJustRegistered):
		return s.registerAgain(ctx, email, r)
	case errors.Is(err, ErrEmailTaken):
		s.attempts.Asked(ctx, r.Client.Addr) // else register would reveal addresses
		return Session{}, err
	case err != nil:
		return Session{}, fmt.Errorf("register here: %w", pg.Fault(err))
	}
	issued, err := s.sessions.Begin(ctx, id, r.Client.Agent)
	return legacySession(issued), undisturbed(err)
}

func (s *Service) insertHere(ctx context.Context, email, hash, username string) (uuid.UUID, error) {
	for range claimRounds {
		params := db.RegisterLocalParams{ID: uuid.New(), Email: email, PasswordHash: hash}
		if username != "" {
			params.Username, params.OtherUsername = new(username), new(user.WithSuffix(username))
		}
		id, err := s.queries.RegisterLocal(ctx, s.pool, params)
		if !pg.NoRows(err) {
			return id, err
		}
		holder, err := s.queries.UserByEmail(ctx, s.pool, email)
		switch {
		case err == nil:
			return uuid.Nil, s.taken(ctx, holder.ID)
		case !pg.NoRows(err):
			return uuid.Nil, err
		case username != "":
			username = user.WithSuffix(username)
		}
	}
	return uuid.Nil, fault.Unavailable("too many people register at this moment; try again", nil)
}
