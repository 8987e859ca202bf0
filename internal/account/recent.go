package account

import (
	"context"
	"time"

	"auth-v2-service/internal/principal"
)

// recentSignIn is A10's limit.
const recentSignIn = 5 * time.Minute

// signedInRecently checks A10. Every service can forge a legacy auth time (T8): a legacy session, also one continued at Firebase, counts
// from its beginning in the database. Each time is compared with the clock that set it.
func (s *Service) signedInRecently(ctx context.Context, p principal.Principal) (bool, error) {
	if !p.Claims.OfLegacySession() {
		return s.clocks.FirebaseNow().Sub(p.Claims.AuthTime) <= recentSignIn, nil
	}
	if s.clocks.Now().Sub(p.Claims.AuthTime) > recentSignIn {
		return false, nil
	}
	at, err := s.sessions.SignedInAt(ctx, p.User.ID, p.Claims.SessionID)
	return err == nil && s.clocks.Now().Sub(at) <= recentSignIn, err
}
