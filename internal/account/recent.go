package account

import (
	"context"
	"time"

	"auth-v2-service/internal/principal"
)

// recentSignIn is how fresh a sign-in must be for what cannot be taken back (A10).
const recentSignIn = 5 * time.Minute

// signedInRecently holds A10's five minutes. What a legacy token says of its sign-in proves nothing: every service of the
// platform could have written it (T8), and in the old auth-service's it is the time of the last refresh. There it is the session's
// own beginning that counts, as it stands in the database; and so it is for a session at Firebase that goes on from a legacy one. Each
// is compared with the clock that has dated it.
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
