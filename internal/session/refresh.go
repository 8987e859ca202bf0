package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

// Refusals of a refresh token.
var (
	ErrInvalid = fault.New(fault.TokenInvalid, "the refresh token is not valid")
	ErrExpired = fault.New(fault.TokenExpired, "the refresh token has expired")
)

var errBusy = fault.Unavailable("this session is being refreshed elsewhere; try again", nil)

const rounds = 4

// Refresh exchanges a refresh token for the next pair (A5). Concurrent requests get the same successor. Errors: ErrInvalid, ErrExpired,
// user.ErrDeactivated, user.ErrRevoked.
func (s *Service) Refresh(ctx context.Context, compact, agent string) (Issued, error) {
	if s.tokens == nil {
		return Issued{}, ErrInvalid
	}
	claims, err := s.tokens.VerifyRefresh(compact)
	if err != nil {
		return Issued{}, refusal(err)
	}
	if claims.Foreign {
		if err := s.adopt(ctx, claims, agent); err != nil {
			return Issued{}, err
		}
	}
	for range rounds {
		issued, err := s.exchange(ctx, claims)
		if !errors.Is(err, errLost) {
			return issued, err
		}
	}
	return Issued{}, errBusy
}

func refusal(err error) error {
	switch fault.CodeOf(err) {
	case fault.TokenExpired:
		return ErrExpired.With(err)
	case fault.TokenInvalid, fault.TokenMissing:
		return ErrInvalid.With(err)
	default:
		return err
	}
}

// adopt continues a session of the old auth-service. The id comes from the token, so it begins once.
func (s *Service) adopt(ctx context.Context, claims token.RefreshClaims, agent string) error {
	displaced, err := s.queries.AdoptLegacySession(ctx, s.pool, db.AdoptLegacySessionParams{
		ID: claims.SessionID, UserID: claims.UserID, BeganAt: claims.IssuedAt, Seed: newSeed(), ExpiresAt: claims.ExpiresAt,
		UserAgent: clientName(agent), Most: s.most, RequestID: requestID(ctx),
	})
	if pg.NoRows(err) {
		return nil // adopted before, or no user
	}
	if err != nil {
		return fmt.Errorf("adopt a session of user %s: %w", claims.UserID, pg.Fault(err))
	}
	s.told(ctx, claims.UserID, displaced)
	return nil
}

var errLost = errors.New("the session has moved on")

func (s *Service) exchange(ctx context.Context, claims token.RefreshClaims) (Issued, error) {
	row, err := s.queries.LegacySession(ctx, s.pool, db.LegacySessionParams{ID: claims.SessionID, LegacyLead: s.clocks.LegacyLead()})
	if pg.NoRows(err) {
		return Issued{}, user.ErrRevoked
	}
	if err != nil {
		return Issued{}, fmt.Errorf("read session %s: %w", claims.SessionID, pg.Fault(err))
	}
	generation, genuine := generationOf(claims, row.Seed)
	if !genuine || row.UserID != claims.UserID {
		return Issued{}, ErrInvalid
	}
	u := personOf(row)
	if err := admit(row, u, claims.SessionID); err != nil {
		return Issued{}, err
	}
	st := state{
		id: claims.SessionID, began: row.BeganAt, seed: row.Seed, generation: row.Generation, rotated: row.RotatedAt,
		expires: row.ExpiresAt,
	}
	switch {
	case generation == row.Generation:
		return s.rotate(ctx, u, st)
	case generation == row.Generation-1 && row.InGrace:
		return s.issue(u, st), nil
	case generation < row.Generation:
		return Issued{}, s.endReused(ctx, u, st)
	default:
		return Issued{}, ErrInvalid
	}
}

// The order is: expired, deactivated, revoked.
func admit(row db.LegacySessionRow, u user.User, id uuid.UUID) error {
	if row.Expired {
		return ErrExpired
	}
	if err := u.Admit(token.Claims{Kind: token.KindLegacy, SessionID: id, AuthTime: row.BeganAt}); err != nil {
		return err
	}
	if row.Ended {
		return user.ErrRevoked
	}
	return nil
}

func (s *Service) rotate(ctx context.Context, u user.User, st state) (Issued, error) {
	row, err := s.queries.RotateLegacySession(ctx, s.pool, db.RotateLegacySessionParams{
		ID: st.id, Generation: st.generation, LifeSeconds: s.life.Seconds(), LegacyLead: s.clocks.LegacyLead(),
	})
	if pg.NoRows(err) {
		return Issued{}, errLost
	}
	if err != nil {
		return Issued{}, fmt.Errorf("refresh session %s: %w", st.id, pg.Fault(err))
	}
	st.generation, st.rotated, st.expires = row.Generation, row.RotatedAt, row.ExpiresAt
	s.users.Seen(u)
	return s.issue(u, st), nil
}

// Two clients hold the token, and one may be a thief.
func (s *Service) endReused(ctx context.Context, u user.User, st state) error {
	ended, err := s.end(ctx, u.ID, st.id, audit.Event{
		Action: "session.refresh_token_reused", Actor: "system", UserID: u.ID, RequestID: telemetry.RequestID(ctx),
		Details: map[string]any{"session": st.id.String(), "generation": st.generation},
	})
	if err != nil {
		return fmt.Errorf("end the reused session %s: %w", st.id, err)
	}
	if ended {
		s.onChange(ctx, u.ID)
	}
	return user.ErrRevoked
}

func (s *Service) end(ctx context.Context, userID, id uuid.UUID, why audit.Event) (ended bool, err error) {
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		n, err := s.queries.EndLegacySession(ctx, tx, db.EndLegacySessionParams{ID: id, UserID: userID, LegacyLead: s.clocks.LegacyLead()})
		if err != nil || n == 0 {
			return err
		}
		ended = true
		return audit.Record(ctx, tx, why)
	})
	return ended, pg.Fault(err)
}

func personOf(row db.LegacySessionRow) user.User {
	u := user.FromRow(row.User())
	if row.LegacyTokensValidAfter != nil {
		u.LegacyTokensValidAfter = *row.LegacyTokensValidAfter
	}
	return u
}
