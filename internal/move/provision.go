package move

import (
	"context"
	"errors"
	"fmt"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/password"
	"auth-v2-service/internal/user"
)

type target struct {
	uid   string
	email string // canonical
	way   string // for the audit
	// fresh: imported by this try.
	fresh bool
	// foreign: made by its owner (M6).
	foreign      bool
	passwordless bool
	// samePassword: the row's password opens it.
	samePassword bool
}

const (
	wayImported = "imported"
	wayFound    = "found" // by an interrupted try
	wayLinked   = "linked"
)

// The conflicting account vanished.
var errChanging = fault.Unavailable("the account at the identity provider is being changed; try again", nil)

// provision looks first if it took over a claim (M2).
func (m *Mover) provision(ctx context.Context, p claimedUser) (target, error) {
	email, err := user.CanonicalEmail(p.stored)
	if err != nil {
		return target{}, stopped(codeInvalidEmail, err)
	}
	if p.takenOver {
		a, err := m.find(ctx, p, email)
		switch {
		case p.rehashed && (err == nil || errors.Is(err, firebase.ErrUserNotFound)):
			return target{}, m.withdrawFormer(ctx, p)
		case !errors.Is(err, firebase.ErrUserNotFound):
			return a, unsettledBy(err)
		}
	}
	a, err := m.importAccount(ctx, p, email)
	if !errors.Is(err, firebase.ErrEmailExists) {
		return a, err
	}
	return m.resolveEmailConflict(ctx, p, email)
}

func (m *Mover) find(ctx context.Context, p claimedUser, email string) (target, error) {
	there, err := m.identities.User(ctx, p.id.String())
	if err != nil {
		return target{}, fmt.Errorf("look for the account of user %s: %w", p.id, err)
	}
	return found(there, email)
}

func found(there firebase.User, email string) (target, error) {
	if current, err := user.CanonicalEmail(there.Email); err != nil || current != email {
		return target{}, stopped(codeUIDTaken, err)
	}
	return target{uid: there.UID, email: email, way: wayFound}, nil
}

func unsettledBy(err error) error {
	if err == nil || errors.Is(err, ErrConflict) {
		return err
	}
	return errUnsettled{err}
}

// importAccount never imports a known uid again (M1).
func (m *Mover) importAccount(ctx context.Context, p claimedUser, email string) (target, error) {
	account, err := toImport(p, email)
	if err != nil {
		return target{}, err
	}
	failures, err := m.identities.Import(ctx, []firebase.ImportUser{account})
	if err == nil && len(failures) > 0 {
		err = failures[0].Err
	}
	return m.afterImport(ctx, p, email, err)
}

func toImport(p claimedUser, email string) (firebase.ImportUser, error) {
	if _, err := password.CostOf(p.hash); err != nil {
		return firebase.ImportUser{}, stopped(codeInvalidHash, err)
	}
	return firebase.ImportUser{
		UID: p.id.String(), Email: email, EmailVerified: p.verified, DisplayName: p.username, PasswordHash: p.hash,
		CreatedAt: p.createdAt, LastLoginAt: p.lastLogin,
	}, nil
}

// Check returns the code of a row that Firebase would refuse, or "".
func Check(email, hash string) string {
	if _, err := user.CanonicalEmail(email); err != nil {
		return codeInvalidEmail
	}
	if _, err := password.CostOf(hash); err != nil {
		return codeInvalidHash
	}
	return ""
}

// afterImport leaves firebase.ErrEmailExists to the caller.
func (m *Mover) afterImport(ctx context.Context, p claimedUser, email string, err error) (target, error) {
	switch {
	case err == nil:
		return target{uid: p.id.String(), email: email, way: wayImported, fresh: true}, nil
	case errors.Is(err, firebase.ErrUIDExists), errors.Is(err, firebase.ErrUnreachable):
		return m.lookAfter(ctx, p, email, err)
	}
	return target{}, fmt.Errorf("import user %s: %w", p.id, refusedImport(err))
}

func (m *Mover) lookAfter(ctx context.Context, p claimedUser, email string, cause error) (target, error) {
	a, err := m.find(ctx, p, email)
	switch {
	case err == nil, errors.Is(err, ErrConflict):
		return a, err
	case !errors.Is(err, firebase.ErrUserNotFound):
		return target{}, errUnsettled{err}
	case errors.Is(cause, firebase.ErrUIDExists):
		return target{}, errChanging.With(cause)
	}
	return target{}, fmt.Errorf("import user %s: %w", p.id, cause)
}

// refusedImport marks permanent refusals.
func refusedImport(err error) error {
	switch {
	case errors.Is(err, firebase.ErrInvalidHash):
		return stopped(codeInvalidHash, err)
	case errors.Is(err, firebase.ErrInvalidUser):
		return stopped(codeInvalidUser, err)
	case errors.Is(err, firebase.ErrNotImported):
		return stopped(codeNotImported, err)
	}
	return err
}
