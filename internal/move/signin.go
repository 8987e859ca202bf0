package move

import (
	"context"
	"errors"
	"fmt"

	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/password"
)

// signIn opens the account with the password that was typed: the proof that it keeps working.
func (m *Mover) signIn(ctx context.Context, p claimedUser, a target, typed string) (firebase.Session, error) {
	if a.foreign {
		// Where the hash has changed since it was proved, what the password opens there says nothing of this row.
		if err := m.proves(ctx, p, typed); err != nil {
			return firebase.Session{}, err
		}
	}
	if a.passwordless {
		return m.setAndSignIn(ctx, p, a, typed)
	}
	session, err := m.open(ctx, p, a, typed)
	if errors.Is(err, firebase.ErrInvalidCredentials) && a.fresh && m.proves(ctx, p, typed) == nil {
		// Firebase has taken the hash and reads it in another way than we: the account is ours and new, and so is its password.
		return m.setAndSignIn(ctx, p, a, typed)
	}
	return session, refusedSignIn(err)
}

// setAndSignIn gives an account that no password opens the one that was typed and proved.
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

// refusedSignIn tells a refusal that concerns this account from an outage.
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

// proves checks a password against the hash that was claimed. Errors: ErrNotMovable where it does not fit, or password.ErrBusy.
func (m *Mover) proves(ctx context.Context, p claimedUser, typed string) error {
	err := m.passwords.Verify(ctx, p.hash, typed)
	if err == nil || errors.Is(err, password.ErrBusy) {
		return err
	}
	return ErrNotMovable
}
