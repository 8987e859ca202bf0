package move_test

import (
	"context"

	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/move"
)

type wrapped struct {
	move.Identities
	ask func(operation string) error
}

func (w wrapped) Import(ctx context.Context, users []firebase.ImportUser) (failures []firebase.ImportFailure, err error) {
	err = w.around("import", func() (err error) { failures, err = w.Identities.Import(ctx, users); return err })
	return failures, err
}

func (w wrapped) User(ctx context.Context, uid string) (u firebase.User, err error) {
	err = w.around("user", func() (err error) { u, err = w.Identities.User(ctx, uid); return err })
	return u, err
}

func (w wrapped) UserByEmail(ctx context.Context, email string) (u firebase.User, err error) {
	err = w.around("user by email", func() (err error) { u, err = w.Identities.UserByEmail(ctx, email); return err })
	return u, err
}

func (w wrapped) SetPassword(ctx context.Context, uid, password string) error {
	return w.around("set password", func() error { return w.Identities.SetPassword(ctx, uid, password) })
}

func (w wrapped) Displace(ctx context.Context, uid, newEmail string) error {
	return w.around("displace", func() error { return w.Identities.Displace(ctx, uid, newEmail) })
}

func (w wrapped) SignIn(ctx context.Context, email, password string) (s firebase.Session, err error) {
	err = w.around("sign in", func() (err error) { s, err = w.Identities.SignIn(ctx, email, password); return err })
	return s, err
}

func (w wrapped) around(operation string, call func() error) error {
	if err := w.ask(operation); err != nil {
		return err
	}
	if err := call(); err != nil {
		return err
	}
	return w.ask(operation + " answered")
}
