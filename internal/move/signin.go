package move

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/crypto/bcrypt"

	"auth-v2-service/internal/firebase"
)

// signIn opens the account with the password that was typed: the proof that it keeps working.
func (m *Mover) signIn(ctx context.Context, p person, a identity, password string) (firebase.Session, error) {
	if a.foreign && !p.proves(password) {
		return firebase.Session{}, ErrNotMovable // changed since it was proved: what it opens there says nothing of this row
	}
	if a.passwordless {
		return m.setAndSignIn(ctx, p, a, password)
	}
	session, err := m.open(ctx, p, a, password)
	if errors.Is(err, firebase.ErrInvalidCredentials) && a.fresh && p.proves(password) {
		// Firebase has taken the hash and reads it in another way than we: the account is ours and new, and so is its password.
		return m.setAndSignIn(ctx, p, a, password)
	}
	return session, refusedSignIn(err)
}

// setAndSignIn gives an account that no password opens the one that was typed and proved.
func (m *Mover) setAndSignIn(ctx context.Context, p person, a identity, password string) (firebase.Session, error) {
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

func (m *Mover) open(ctx context.Context, p person, a identity, password string) (firebase.Session, error) {
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

// proves checks a password against the hash that was claimed.
func (p person) proves(password string) bool {
	return bcrypt.CompareHashAndPassword([]byte(p.hash), []byte(password)) == nil
}
