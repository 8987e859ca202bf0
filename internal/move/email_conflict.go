package move

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/pg"
)

// resolveEmailConflict decides about the account that has the row's address already (M6): it is linked where both sides have verified the
// address, it makes room where nobody has proved to own it, and else somebody has to decide. An unverified account that more than a
// password opens makes room for the proven local password, and not for a request without one.
func (m *Mover) resolveEmailConflict(ctx context.Context, p claimedUser, email string) (target, error) {
	there, err := m.identities.UserByEmail(ctx, email)
	switch {
	case errors.Is(err, firebase.ErrUserNotFound):
		return target{}, errChanging.With(err)
	case err != nil:
		return target{}, fmt.Errorf("look who has the address of user %s: %w", p.id, err)
	case there.UID == p.id.String():
		return target{uid: there.UID, email: email, way: wayFound}, nil
	case there.Disabled:
		return target{}, stopped(codeDisabled, nil)
	}
	if err := m.unowned(ctx, there.UID); err != nil {
		return target{}, err
	}
	if there.EmailVerified {
		return m.link(ctx, p, email, there)
	}
	if err := m.displace(ctx, p, there); err != nil {
		return target{}, err
	}
	a, err := m.importAccount(ctx, p, email)
	if errors.Is(err, firebase.ErrEmailExists) {
		return target{}, stopped(codeEmailTaken, err) // somebody was faster than we; not a second round
	}
	return a, err
}

// link takes the verified account, if the platform has verified the address too: an unverified platform's word takes over
// nobody's account.
func (m *Mover) link(ctx context.Context, p claimedUser, email string, there firebase.User) (target, error) {
	vouched, err := m.vouched(ctx, m.pool, p)
	if err != nil {
		return target{}, err
	}
	if !vouched || len(there.UID) < minUID || len(there.UID) > maxUID {
		return target{}, stopped(codeEmailTaken, nil)
	}
	return target{uid: there.UID, email: email, way: wayLinked, foreign: true, passwordless: !there.HasPassword}, nil
}

// passwordProvider is how Firebase names a password among the ways to sign in.
const passwordProvider = "password"

// minUID and maxUID are chk_firebase_uid_format and the column's width (F6).
const (
	minUID = 20
	maxUID = 128
)

// unowned refuses an account that is another row's.
func (m *Mover) unowned(ctx context.Context, uid string) error {
	_, err := m.queries.UserByFirebaseUID(ctx, m.pool, uid)
	switch {
	case pg.NoRows(err):
		return nil
	case err != nil:
		return fmt.Errorf("look whose account stands in the way: %w", pg.Fault(err))
	}
	return stopped(codeEmailOwned, nil)
}

// displacedAddress is one that no mail reaches (RFC 2606), the same for an account each time, whatever its uid is made of.
func displacedAddress(uid string) string {
	sum := sha256.Sum256([]byte(uid))
	return hex.EncodeToString(sum[:16]) + "@displaced.invalid"
}
