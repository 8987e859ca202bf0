package move

import (
	"context"
	"errors"
	"fmt"

	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/password"
)

func (m *Mover) signIn(ctx context.Context, p claimedUser, a target, typed string) (firebase.Session, error) {
	if a.foreign {
		// If the row's hash has changed, a foreign account proves nothing about the row.
		if err := m.proves(ctx, p, typed); err != nil {
			return firebase.Session{}, err
		}
	}
	if a.passwordless {
		return m.setAndSignIn(ctx, p, a, typed)
	}
	session, err := m.open(ctx, p, a, typed)
	if errors.Is(err, firebase.ErrInvalidCredentials) && a.fresh && m.proves(ctx, p, typed) == nil {
		// Firebase misreads the hash of an account that is new and ours.
		return m.setAndSignIn(ctx, p, a, typed)
	}
	return session, refusedSignIn(err)
}

func (m *Mover) setAndSignIn(ctx context.Context, p claimedUser, a target, password string) (firebase.Session, error) {
	err := m.identities.SetPassword(ctx, a.uid, password)
	switch {
	case errors.Is(err, firebase.ErrWeakPassword):
		return firebase.Session{}, stopped(codeWeakPassword, err)
	case err != nil:
		return firebase.Session{}, fmt.Errorf("set the password of user %s: %w", p.id, err)
	}
	session, err := m.open(ctx, p, a, password)
	return session, refusedSignIn(err)
}

func (m *Mover) open(ctx context.Context, p claimedUser, a target, password string) (firebase.Session, error) {
	session, err := m.identities.SignIn(ctx, a.email, password)
	if err != nil {
		return firebase.Session{}, fmt.Errorf("sign user %s in: %w", p.id, err)
	}
	if session.UID != a.uid {
		return firebase.Session{}, errChanging.With(errors.New("the address is another account's by now"))
	}
	return session, nil
}

func refusedSignIn(err error) error {
	for refusal, code := range map[error]string{
		firebase.ErrInvalidCredentials: codeAnotherPassword,
		firebase.ErrUserDisabled:       codeDisabled,
		firebase.ErrMFARequired:        codeSecondFactor,
		firebase.ErrSignInBlocked:      codeSignInBlocked,
	} {
		if errors.Is(err, refusal) {
			return stopped(code, err)
		}
	}
	return err
}

// Errors: ErrNotMovable, password.ErrBusy.
func (m *Mover) proves(ctx context.Context, p claimedUser, typed string) error {
	err := m.passwords.Verify(ctx, p.hash, typed)
	if err == nil || errors.Is(err, password.ErrBusy) {
		return err
	}
	return ErrNotMovable
}
