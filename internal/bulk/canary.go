package bulk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/password"
	"auth-v2-service/internal/sleep"
)

// canaryDomain is undeliverable (RFC 2606).
const canaryDomain = "canary.invalid"

// canaryCost is bcrypt's lowest: the password lives for one batch.
const canaryCost = 4

// canary is our account that is imported with each batch, signs in and is deleted (M3). A killed carrier leaves one a lane at most.
type canary struct {
	firebase.ImportUser
	password string
}

func newCanary(ctx context.Context, hasher *password.Hasher, run uuid.UUID, lane int) (canary, error) {
	secret := rand.Text()
	hash, err := hasher.Hash(ctx, secret)
	if err != nil {
		return canary{}, err
	}
	uid := fmt.Sprintf("canary-%s-%d", strings.ReplaceAll(run.String(), "-", ""), lane)
	return canary{firebase.ImportUser{UID: uid, Email: uid + "@" + canaryDomain, PasswordHash: hash}, secret}, nil
}

const canaryTries = 4

// signIn returns what the canary cannot do. An outage is tried again.
func (s *Service) signIn(ctx context.Context, c canary) (err error) {
	wait := s.Backoff
	for range canaryTries {
		var session firebase.Session
		session, err = s.Canaries.SignIn(ctx, c.Email, c.password)
		switch {
		case err == nil && session.UID != c.UID:
			return errors.New("the session is of another account")
		case err == nil:
			return nil
		case !errors.Is(err, firebase.ErrUnreachable) && fault.CodeOf(err) != fault.RateLimited:
			return err
		}
		if sleep.Context(ctx, wait) != nil {
			return err
		}
		wait *= 2
	}
	return err
}

func (s *Service) remove(ctx context.Context, c canary) {
	err := s.Canaries.SetDisabled(ctx, c.UID, true)
	if err == nil {
		err = s.Canaries.DeleteUser(ctx, c.UID)
	}
	if err != nil && !errors.Is(err, firebase.ErrUserNotFound) {
		s.Logger.WarnContext(ctx, "a canary stays at the identity provider until the next batch", "uid", c.UID, "error", err)
	}
}
